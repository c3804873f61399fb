import { expect } from 'aegir/chai'
import { createSandbox, jsonOf } from './fixtures/run-command.ts'
import type { Sandbox } from './fixtures/run-command.ts'

const REQUESTS = [{
  atMs: 0,
  model: `fox@${'ab'.repeat(32)}`,
  taken: 'peer-2',
  considered: [
    { peer: 'peer-1', outcome: 'tier_too_low', tier: 'open', why: 'Its tier is open, and silver is asked for.' },
    { peer: 'peer-2', outcome: 'taken', tier: 'silver', why: 'Attested\u001b[31m hardware.' }
  ]
}]

describe('explain', () => {
  let sandbox: Sandbox
  beforeEach(async () => { sandbox = await createSandbox() })
  afterEach(async () => { await sandbox.remove() })

  it('shows each candidate with its tier and the reason', async () => {
    const urls: string[] = []
    const fetch = async (input: string | URL | Request): Promise<Response> => {
      urls.push(String(input))
      return Response.json({ requests: REQUESTS })
    }
    const { code, out } = await sandbox.command(['explain', 'fox'], { fetch })
    expect([code, urls]).to.deep.equal([0, ['http://127.0.0.1:10002/explain?model=fox']])
    expect(out).to.include('1970-01-01T00:00:00.000Z  fox@abababababab  taken: peer-2')
    expect(out).to.match(/peer-1 +open +tier_too_low +Its tier is open, and silver is asked for\./)
    expect(out).to.match(/peer-2 +silver +taken +Attested\[31m hardware\./)
    expect(jsonOf(await sandbox.command(['explain', '--json'], { fetch })).requests).to.deep.equal(REQUESTS)
  })

  it('says when there is nothing to explain, and when something else listens there', async () => {
    expect((await sandbox.command(['explain'], { fetch: async () => Response.json({ requests: [] }) })).out).to.equal('No request has been made yet.\n')
    expect((await sandbox.command(['explain'], { fetch: async () => Response.json({ hello: 1 }) })).code).to.equal(3)
  })
})
