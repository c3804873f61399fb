import { MONEY_GROUPS } from './money-table.ts'
import { REGISTRY_GROUP } from './registry-table.ts'
import type { CommandGroup, CommandSpec } from './command-spec.ts'
import type { ConfigGroup } from './config-keys.ts'

const NODE: readonly ConfigGroup[] = ['chain', 'network']
const ALL: readonly ConfigGroup[] = [...NODE, 'provider', 'vault', 'client', 'api', 'gateway']

/** Commands that stand by themselves, in the order in which a newcomer needs them. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'make the home, its configuration and its admin token; run again, it adds what flags say',
    groups: ALL,
    examples: ['cocoon init --network testnet', 'cocoon init --chain-url http://127.0.0.1:10001/api/v2/jsonRPC --devnet-genesis HEX --bootstrap MULTIADDR'],
    load: async () => (await import('./commands/init.ts')).init
  },
  {
    name: 'provider',
    summary: 'serve models and be paid, until stopped',
    groups: [...NODE, 'provider'],
    examples: ['cocoon provider --model ./llama-3.2-3b.gguf', 'cocoon provider --engine-url http://127.0.0.1:8000/v1 --engine-model qwen3-8b'],
    load: async () => (await import('./commands/host-node.ts')).provider
  },
  {
    name: 'gateway',
    summary: 'serve the OpenAI-compatible API on this machine, until stopped',
    groups: [...NODE, 'vault', 'client', 'api', 'gateway'],
    examples: ['cocoon gateway', 'cocoon gateway --min-tier silver --daily-limit-nano 1000000000'],
    load: async () => (await import('./commands/host-node.ts')).gateway
  },
  {
    name: 'chat',
    args: '[prompt...]',
    summary: 'ask one question through the running gateway; the prompt may come from standard input',
    groups: ['client', 'api'],
    options: [
      ['--model <name>', 'name or name@digest'],
      ['--system <text>', 'system message'],
      ['--max-tokens <count>', 'longest answer, tokens'],
      ['--temperature <number>', '0 to 2'],
      ['--seed <number>', 'the same seed gives the same answer from the same model and engine']
    ],
    examples: ['cocoon chat "Tell me a story about a fox." --max-cost-nano 1000000', 'cocoon chat --json < question.txt'],
    load: async () => (await import('./commands/chat.ts')).chat
  },
  {
    name: 'offers',
    args: '[model]',
    summary: 'list what can be bought now, with the tier of each provider and what it means',
    groups: ['api'],
    examples: ['cocoon offers', 'cocoon offers llama-3.2-3b --json'],
    load: async () => (await import('./commands/offers.ts')).offers
  },
  {
    name: 'explain',
    args: '[model]',
    summary: 'say why each candidate of the last requests was or was not taken',
    groups: ['chain'],
    examples: ['cocoon explain'],
    load: async () => (await import('./commands/explain.ts')).explain
  },
  {
    name: 'verify',
    args: '<file>',
    summary: 'check hardware evidence (TDX, SGX, SEV-SNP, NVIDIA) or a receipt file; 0 holds, 1 does not, 2 not recognised',
    groups: [],
    options: [
      ['--collateral <path>', 'collateral: a file, or a folder of JSON, PEM and DER files; repeat for more', 'list'],
      ['--chain <file>', 'certificates or revocation lists, PEM or DER; repeat for more', 'list'],
      ['--at <time>', 'the time to judge at, such as 2026-03-01T00:00:00Z; default now'],
      ['--policy <file>', 'policy as JSON; default the production rules without a measurement allow-list']
    ],
    // Judging a file needs no configuration, and a broken one must not get in its way.
    rawConfig: true,
    examples: ['cocoon verify quote.bin --collateral ./collateral --at 2026-03-01T00:00:00Z', 'cocoon verify receipt.json --json'],
    load: async () => (await import('./commands/verify.ts')).verify
  },
  {
    name: 'doctor',
    summary: 'look at what commonly goes wrong, and say what to do about it',
    groups: [...NODE, 'provider', 'api'],
    rawConfig: true,
    examples: ['cocoon doctor'],
    load: async () => (await import('./commands/doctor.ts')).doctor
  }
]

/** Commands of several words. */
export const GROUPS: readonly CommandGroup[] = [
  ...MONEY_GROUPS,
  REGISTRY_GROUP,
  {
    name: 'testnet',
    summary: 'a private network on this machine',
    commands: [
      {
        name: 'up',
        summary: 'bring up a local network and run until stopped',
        groups: [],
        options: [
          ['--providers <count>', 'number of providers; default 3'],
          ['--clients <count>', 'number of client gateways; default 1'],
          ['--seed <text>', 'decides keys, addresses and sampling; the network starts from nothing each time'],
          ['--gateway-port <port>', 'port of the first gateway, 0 takes a free one; default 10000'],
          ['--chain-port <port>', 'port of the chain\'s API, 0 takes a free one; default 10001'],
          ['--registry-delay <seconds>', 'how long a change that loosens the registry\'s rules has to wait, set when the network is made; default 1800']
        ],
        examples: ['cocoon testnet up --providers 5 --clients 2 --seed fox'],
        load: async () => (await import('./commands/testnet.ts')).testnetUp
      },
      {
        name: 'kill',
        args: '<name>',
        summary: 'kill one process of the local network as a crash would, such as provider-1; all ends the network',
        groups: [],
        examples: ['cocoon testnet kill provider-1'],
        load: async () => (await import('./commands/testnet.ts')).testnetKill
      },
      {
        name: 'status',
        summary: 'show the processes of the local network; exits 1 when none runs',
        groups: [],
        examples: ['cocoon testnet status --json'],
        load: async () => (await import('./commands/testnet.ts')).testnetStatus
      }
    ]
  }
]
