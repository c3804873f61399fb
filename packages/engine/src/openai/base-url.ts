import { CocoonError } from '@cocoon-net/protocol'

/**
 * A server's base URL without a slash at its end.
 *
 * @throws {CocoonError} config_invalid when it is no HTTP URL, or holds a user, a password or a query
 */
export function baseUrl (text: string): string {
  const url = URL.parse(text)

  if (url == null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CocoonError('config_invalid', 'The engine\'s URL must begin with http:// or https://.')
  }

  // Passwords would end up in the run-time configuration, which is published.
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw new CocoonError('config_invalid', 'The engine\'s URL must hold no user, password or query.')
  }

  return url.href.replace(/\/+$/, '')
}
