/** For benchmarks: the same engine directly over HTTP, as one would run it without a market. No seal, no payment. */
import { serveHandler } from '@cocoon-net/gateway'
import { runChild } from '../network/child-main.ts'
import { engineOf } from '../network/engine-of.ts'
import type { ProviderConfig } from '../network/configs.ts'
import type { Engine } from '@cocoon-net/engine'
import type { RunningServer } from '@cocoon-net/gateway'

let engine: Engine | undefined
let server: RunningServer | undefined

async function answer (request: Request, running: Engine, model: string): Promise<Response> {
  const body = await request.json() as Record<string, unknown>
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const events = running.generate({ endpoint: 'chat', model, body: { messages: body.messages, temperature: body.temperature, max_tokens: body.max_tokens }, maxTokens: Number(body.max_tokens ?? 400) }, { signal: request.signal })
  const stream = new ReadableStream<Uint8Array>({
    async start (controller) {
      for await (const event of events) {
        if (event.type === 'token') {
          controller.enqueue(encoder.encode(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: decoder.decode(event.bytes, { stream: true }) } }] })}\n\n`))
        }
      }
      controller.enqueue(encoder.encode('data: [DONE]\n\n'))
      controller.close()
    }
  })
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
}

runChild({
  start: async (config: Pick<ProviderConfig, 'engine' | 'parallel'>) => {
    const running = engineOf(config)
    engine = running
    await running.start()
    const model = Buffer.from(running.models()[0].digest).toString('hex')
    server = await serveHandler({ handler: { fetch: async (request) => answer(request, running, model) }, port: 0 })
    return { url: server.url }
  },
  cpu: async () => process.cpuUsage()
}, async () => {
  await server?.stop()
  await engine?.stop()
})
