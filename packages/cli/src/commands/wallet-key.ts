import { readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CocoonError, asCocoonError } from '@cocoon-net/protocol'
import { changePassphrase, ed25519Signer, importKey, loadKey, loadOrCreateKey, seedFromMnemonic } from '@cocoon-net/settlement'
import { EXIT_DONE, EXIT_NO } from '../exit-codes.ts'
import { fieldsText, printResult } from '../output.ts'
import { hasWallet, keyOptions, keyPath, missingKey, networkOfConfig, seedOf } from './wallet-access.ts'
import { keyObject } from './wallet.ts'
import type { Command, Invocation } from '../invocation.ts'
import type { KeyFileOptions } from '@cocoon-net/settlement'

/** 24 words are some 200 bytes. */
const MAX_SECRET_BYTES = 4_096

/** A secret comes by standard input only: arguments are visible to every process of the machine. */
async function readSecret (invocation: Invocation): Promise<string> {
  const { input, ask } = invocation.context
  if (input === undefined) {
    if (ask === undefined) {
      throw new CocoonError('usage', 'Give the 24 words, or a seed of 64 hex digits, on standard input')
    }
    return (await ask('The 24 words, or a seed of 64 hex digits (not shown): ', { isSecret: true })).trim()
  }
  let text = ''
  for await (const part of input) {
    text += typeof part === 'string' ? part : Buffer.from(part).toString('utf8')
    if (text.length > MAX_SECRET_BYTES) {
      throw new CocoonError('usage', 'Standard input is neither 24 words nor a seed')
    }
  }
  return text.trim()
}

function printKey (invocation: Invocation, seed: Uint8Array): number {
  const value = { ...keyObject(networkOfConfig(invocation), seed, keyPath(invocation.home, 'wallet')), protected: keyOptions(invocation).passphrase !== undefined }
  printResult(invocation.context, invocation.json, value, shown => fieldsText(shown))
  return EXIT_DONE
}

/** Makes the wallet's key and the key that vouchers are signed with. */
export const walletCreate: Command = async invocation => {
  networkOfConfig(invocation)
  if (await hasWallet(invocation)) {
    throw new CocoonError('key_exists', `${keyPath(invocation.home, 'wallet')} is there already`)
  }
  const options = keyOptions(invocation)
  await loadOrCreateKey(keyPath(invocation.home, 'voucher'), options)
  return printKey(invocation, await loadOrCreateKey(keyPath(invocation.home, 'wallet'), options))
}

export const walletImport: Command = async invocation => {
  const network = networkOfConfig(invocation)
  if (await hasWallet(invocation)) {
    throw new CocoonError('key_exists', `${keyPath(invocation.home, 'wallet')} is there already`)
  }
  const secret = await readSecret(invocation)
  const seed = /^[0-9a-fA-F]{64}$/.test(secret)
    ? Uint8Array.from(Buffer.from(secret, 'hex'))
    : await seedFromMnemonic(secret.split(/\s+/), { isDevnet: network.kind === 'devnet' })
  const options = keyOptions(invocation)
  await loadOrCreateKey(keyPath(invocation.home, 'voucher'), options)
  await importKey(keyPath(invocation.home, 'wallet'), seed, options)
  return printKey(invocation, seed)
}

async function confirmed (invocation: Invocation): Promise<boolean> {
  if (invocation.options.yes === true) {
    return true
  }
  if (invocation.context.ask === undefined) {
    throw new CocoonError('usage', 'Confirm with --yes that the key is to be written in the clear, or name a file with --out')
  }
  const answer = await invocation.context.ask('Whoever sees the key owns the coins. Print it? (yes/no) ', { isSecret: false })
  return answer.trim().toLowerCase() === 'yes'
}

/** The one place where a secret is printed: to a new file, or, when that is confirmed, to standard output. */
export const walletExport: Command = async invocation => {
  const file = invocation.options.out
  const seed = await seedOf(invocation, 'wallet')
  const seedText = Buffer.from(seed).toString('hex')
  const publicKey = Buffer.from(ed25519Signer(seed).publicKey).toString('hex')
  if (typeof file === 'string') {
    try {
      await writeFile(file, `${seedText}\n`, { mode: 0o600, flag: 'wx', flush: true })
    } catch (cause) {
      throw new CocoonError('file_unusable', `${file} cannot be written: ${(cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'it is there already' : (cause as NodeJS.ErrnoException).code ?? 'unknown reason'}`, { cause })
    }
    printResult(invocation.context, invocation.json, { file, publicKey }, shown => fieldsText(shown))
    return EXIT_DONE
  }
  if (!await confirmed(invocation)) {
    invocation.context.err('The key was not printed.\n')
    return EXIT_NO
  }
  printResult(invocation.context, invocation.json, { seed: seedText, publicKey }, shown => shown.seed)
  return EXIT_DONE
}

/** The wallet's file first, then every other key of the home: vouchers, receipts and stakes are worth as much. */
async function keyFiles (home: string): Promise<string[]> {
  const wallet = keyPath(home, 'wallet')
  const found = (await readdir(dirname(wallet))).filter(name => /^[a-z][a-z0-9-]*\.key$/.test(name)).map(name => join(dirname(wallet), name))
  return [wallet, ...found.filter(file => file !== wallet).sort()]
}

/** Whether the key opens with these options; false when it is protected otherwise. */
async function opens (file: string, options: KeyFileOptions): Promise<boolean> {
  try {
    await loadKey(file, options)
    return true
  } catch (error) {
    if (asCocoonError(error).code === 'key_locked') {
      return false
    }
    throw error
  }
}

/** Protects the home's keys with COCOON_NEW_PASSPHRASE, or, when that is set and empty, takes the protection away. */
export const walletProtect: Command = async invocation => {
  const next = invocation.context.env.COCOON_NEW_PASSPHRASE
  if (next === undefined) {
    throw new CocoonError('usage', 'Set COCOON_NEW_PASSPHRASE; empty takes the protection away')
  }
  const from = keyOptions(invocation)
  const to = next === '' ? {} : { passphrase: next }
  if (!await hasWallet(invocation)) {
    throw missingKey(invocation, 'wallet')
  }
  const files = await keyFiles(invocation.home)
  const toChange: string[] = []
  for (const file of files) {
    // what a run that was cut short has changed already opens with the new passphrase only
    if (await opens(file, from)) {
      toChange.push(file)
    } else if (!await opens(file, to)) {
      throw new CocoonError('key_locked', `The key file ${file} is protected by another passphrase`)
    }
  }
  for (const file of toChange) {
    await changePassphrase(file, from, to)
  }
  printResult(invocation.context, invocation.json, { files, protected: next !== '' }, shown => `${shown.files.join('\n')}\n${shown.protected ? 'Protected: every command and every node needs COCOON_PASSPHRASE from now on.' : 'Not protected any more.'}`)
  return EXIT_DONE
}
