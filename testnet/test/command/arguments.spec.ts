import { DEFAULT_ADMIN_PORT, DEFAULT_GATEWAY_PORT } from '@cocoon-net/gateway'
import { expect } from 'aegir/chai'
import { exitCodeOf, parseArguments } from '../../src/command/arguments.ts'
import type { UpOptions } from '../../src/command/arguments.ts'

function upOptions (argv: readonly string[]): UpOptions {
  const parsed = parseArguments(argv)
  if (parsed.command !== 'up') {
    throw new Error('these arguments bring a network up')
  }
  return parsed.options
}

describe('arguments', () => {
  it('have the ports that the command looks at as their defaults', () => {
    expect(upOptions([])).to.deep.equal({ providers: 3, clients: 1, port: DEFAULT_GATEWAY_PORT, chainPort: DEFAULT_GATEWAY_PORT + 1, adminPort: DEFAULT_ADMIN_PORT })
  })

  it('move the administration API with the gateway, unless it is named', () => {
    expect(upOptions(['--port', '20000']).adminPort).to.equal(20_002)
    expect(upOptions(['--port', '0']).adminPort).to.equal(0)
    expect(upOptions(['--port', '65535']).adminPort).to.equal(0)
    expect(upOptions(['--port', '20000', '--admin-port', '7']).adminPort).to.equal(7)
  })

  it('name what is looked at and what is killed', () => {
    expect(parseArguments(['status', '--json'])).to.deep.equal({ command: 'status', json: true })
    expect(parseArguments(['kill', 'provider-1'])).to.deep.equal({ command: 'kill', name: 'provider-1', json: false })
  })

  it('end with 2 for what the user can mend, with 3 for what the network refused', () => {
    expect(['port_taken', 'home_locked', 'usage'].map(exitCodeOf)).to.deep.equal([2, 2, 2])
    expect(['chain_unavailable', 'no_provider', 'not_running'].map(exitCodeOf)).to.deep.equal([3, 3, 3])
  })
})
