import { createServer } from 'node:net'
import { expect } from 'aegir/chai'
import { assertPortFree } from '../../src/network/ports.ts'
import type { AddressInfo } from 'node:net'

describe('ports', () => {
  it('are taken when something listens', async () => {
    const server = createServer()
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
    const { port } = server.address() as AddressInfo
    const error = await assertPortFree(port, '--port').then(() => null, (thrown: { code: string, message: string }) => thrown)
    expect(error?.code).to.equal('port_taken')
    expect(error?.message).to.include(String(port)).and.include('--port 0')
    await new Promise<void>(resolve => { server.close(() => { resolve() }) })
    await assertPortFree(port, '--port')
    await assertPortFree(0, '--port')
  })
})
