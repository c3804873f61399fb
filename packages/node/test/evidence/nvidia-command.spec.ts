import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeGpuEvidence } from '@cocoon-net/attestation'
import { toHex, utf8 } from '@cocoon-net/protocol'
import { expect } from 'aegir/chai'
import { NVIDIA_COMMAND, collectNvidia } from '../../src/evidence/nvidia-command.ts'

const nonce = new Uint8Array(32).fill(0xab)
const pem = '-----BEGIN CERTIFICATE-----\nMAAB\n-----END CERTIFICATE-----\n'

describe('evidence of a GPU through NVIDIA\'s command', function () {
  this.timeout(20_000)
  let folder: string
  let command: string[]

  /** An executable in place of NVIDIA's, that prints this. */
  const prints = async (script: string): Promise<void> => {
    const path = join(folder, 'nvattest')
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
    command = [path, ...NVIDIA_COMMAND.slice(1)]
  }
  const document = (change: object = {}, device: object = {}): string => {
    const evidence = { version: '1.0', arch: 'HOPPER', nonce: toHex(nonce), evidence: Buffer.from([1, 2, 3]).toString('base64'), certificate: Buffer.from(pem + pem).toString('base64'), ...device }
    return `cat <<'END'\n${JSON.stringify({ evidences: [evidence], result_code: 0, result_message: 'Ok', ...change })}\nEND`
  }
  const failure = async (): Promise<string> => collectNvidia(nonce, { command }).then(() => 'nothing was refused', (error: unknown) => (error as { code: string }).code)

  before(async () => { folder = await mkdtemp(join(tmpdir(), 'cocoon-gpu-')) })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  it('is the transcript with its chain, for the nonce asked for', async () => {
    await prints(`[ "$5" = "${toHex(nonce)}" ] || exit 1\n${document()}`)
    expect(await collectNvidia(nonce, { command })).to.deep.equal(encodeGpuEvidence({ v: 1, transcript: Uint8Array.of(1, 2, 3), chain: [utf8(pem), utf8(pem)] }))
  })

  it('is none where there is no such command', async () => {
    expect(await collectNvidia(nonce, { command: [join(folder, 'absent')] })).to.equal(null)
  })

  it('refuses a failure, another nonce, several GPUs and what is malformed', async () => {
    const bad = [
      'exit 3', 'echo', 'echo null', 'echo []', document({ result_code: 1 }), document({ evidences: [] }), document({ evidences: [{}, {}] }),
      document({}, { nonce: '00' }), document({}, { evidence: '!' }), document({}, { certificate: '' }), document({}, { certificate: 'AAAA' }),
      document({}, { evidence: Buffer.alloc(16_385).toString('base64') }), 'head -c 2000000 /dev/zero'
    ]
    for (const script of bad) {
      await prints(script)
      expect(await failure(), script.slice(0, 80)).to.equal('evidence_missing')
    }
  })

  it('ends with its signal', async () => {
    await prints('exec sleep 60')
    const stopped = await collectNvidia(nonce, { command, signal: AbortSignal.timeout(50) }).catch((error: unknown) => (error as { code: string }).code)
    expect(stopped).to.equal('evidence_missing')
  })
})
