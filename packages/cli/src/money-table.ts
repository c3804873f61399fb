import type { CommandGroup, CommandSpec } from './command-spec.ts'

const DRY_RUN = ['--dry-run', 'print each message with its amount and its cost, and send nothing'] as const
const GROUPS = ['chain'] as const
const VAULT_GROUPS = ['chain', 'vault'] as const

function dryRunnable (spec: Omit<CommandSpec, 'groups' | 'options' | 'load'> & { deploys?: boolean }, load: CommandSpec['load']): CommandSpec {
  const { deploys = false, ...rest } = spec
  return { ...rest, groups: deploys ? VAULT_GROUPS : GROUPS, options: [DRY_RUN], load }
}

const vaultStatus: CommandSpec['load'] = async () => (await import('./commands/vault.ts')).vaultStatus
const stakeStatus: CommandSpec['load'] = async () => (await import('./commands/stake.ts')).stakeStatus
const walletBalance: CommandSpec['load'] = async () => (await import('./commands/wallet.ts')).walletBalance

/** Commands that read or move coins. Amounts are TON (`1.5`) or exact (`1500000000nano`). */
export const MONEY_GROUPS: readonly CommandGroup[] = [
  {
    name: 'vault',
    summary: 'the vault that pays for inference: what it holds, its lanes, and the way out (amounts in TON, such as 1.5, or exact, such as 1500000000nano)',
    alone: { groups: GROUPS, examples: ['cocoon vault', 'cocoon vault open ADDRESS 0.1 --dry-run', 'cocoon vault withdraw all'], load: vaultStatus },
    commands: [
      { name: 'status', summary: 'balance, what is locked, what is free, lanes', groups: GROUPS, examples: ['cocoon vault status --json'], load: vaultStatus },
      { name: 'lanes', summary: 'every lane with its cap, what was paid and when it unlocks', groups: GROUPS, examples: ['cocoon vault lanes'], load: async () => (await import('./commands/vault.ts')).vaultLanes },
      dryRunnable({ name: 'deposit', args: '<amount>', summary: 'put coins in; the first deposit deploys the vault', examples: ['cocoon vault deposit 2 --dry-run'] }, async () => (await import('./commands/vault.ts')).vaultDeposit),
      dryRunnable({ name: 'open', args: '<payee> <cap>', summary: 'lock an amount for one provider; deploys the vault when there is none', deploys: true, examples: ['cocoon vault open 0:PAYEE 0.1'] }, async () => (await import('./commands/vault-lane.ts')).vaultOpen),
      dryRunnable({ name: 'top-up', args: '<payee> <amount>', summary: 'raise the cap of an open lane', examples: ['cocoon vault top-up 0:PAYEE 0.05'] }, async () => (await import('./commands/vault-lane.ts')).vaultTopUp),
      dryRunnable({ name: 'unlock', args: '<payee>', summary: 'begin to end a lane; its provider is told and may redeem until the time is over', examples: ['cocoon vault unlock 0:PAYEE'] }, async () => (await import('./commands/vault.ts')).vaultUnlock),
      dryRunnable({ name: 'finish', alias: 'close', args: '<payee>', summary: 'end a lane whose unlock is over: what it has left is free', examples: ['cocoon vault finish 0:PAYEE'] }, async () => (await import('./commands/vault.ts')).vaultFinish),
      dryRunnable({ name: 'withdraw', args: '<amount>', summary: 'send what is free to the owner\'s wallet; all leaves what rent needs', examples: ['cocoon vault withdraw 0.5', 'cocoon vault withdraw all'] }, async () => (await import('./commands/vault.ts')).vaultWithdraw)
    ]
  },
  {
    name: 'wallet',
    summary: 'the hot wallet of this home (a wallet v4r2); COCOON_PASSPHRASE opens a protected key',
    alone: { groups: GROUPS, examples: ['cocoon wallet', 'cocoon wallet send ADDRESS 0.5 --dry-run'], load: walletBalance },
    commands: [
      { name: 'address', summary: 'the address alone, without asking a chain', groups: GROUPS, examples: ['cocoon wallet address'], load: async () => (await import('./commands/wallet.ts')).walletAddress },
      { name: 'balance', summary: 'address and balance', groups: GROUPS, examples: ['cocoon wallet balance --json'], load: walletBalance },
      { name: 'create', summary: 'make a new key; with COCOON_PASSPHRASE set, a protected one', groups: GROUPS, examples: ['cocoon wallet create'], load: async () => (await import('./commands/wallet-key.ts')).walletCreate },
      { name: 'import', summary: 'take over a key: 24 words, or a seed of 64 hex digits, on standard input; a devnet takes seeds only', groups: GROUPS, examples: ['cocoon wallet import < words.txt'], load: async () => (await import('./commands/wallet-key.ts')).walletImport },
      {
        name: 'export',
        summary: 'write the seed to a new file, or print it after it is confirmed',
        groups: GROUPS,
        options: [['--out <file>', 'write it there, mode 0600; the file must not be there yet'], ['--yes', 'print it without asking']],
        examples: ['cocoon wallet export --out wallet.seed'],
        load: async () => (await import('./commands/wallet-key.ts')).walletExport
      },
      { name: 'protect', summary: 'protect the key with COCOON_NEW_PASSPHRASE; empty takes the protection away', groups: GROUPS, examples: ['COCOON_NEW_PASSPHRASE=... cocoon wallet protect'], load: async () => (await import('./commands/wallet-key.ts')).walletProtect },
      { name: 'send', args: '<address> <amount>', summary: 'send coins', groups: GROUPS, options: [DRY_RUN], examples: ['cocoon wallet send UQ... 0.5 --dry-run'], load: async () => (await import('./commands/wallet.ts')).walletSend }
    ]
  },
  {
    name: 'settle',
    summary: 'redeem what a provider has earned, and show the books',
    alone: {
      groups: GROUPS,
      options: [['--watch', 'stand in for a provider that does not run: follow its lanes and redeem what is due until stopped']],
      examples: ['cocoon settle', 'cocoon settle --watch', 'cocoon settle ledger --csv books.csv'],
      load: async () => (await import('./commands/settle.ts')).settle
    },
    commands: [
      {
        name: 'ledger',
        summary: 'what was paid, earned and redeemed, job by job, gross',
        groups: GROUPS,
        options: [['--csv <file>', 'write all of it as CSV; - is standard output']],
        examples: ['cocoon settle ledger', 'cocoon settle ledger --csv -'],
        load: async () => (await import('./commands/ledger.ts')).settleLedger
      }
    ]
  },
  {
    name: 'stake',
    summary: 'what a provider puts at risk for its word: lost when its key contradicts itself',
    alone: { groups: GROUPS, examples: ['cocoon stake', 'cocoon stake deposit 10 --dry-run'], load: stakeStatus },
    commands: [
      { name: 'status', summary: 'what is bonded, what is on its way out, and until when', groups: GROUPS, examples: ['cocoon stake status --json'], load: stakeStatus },
      dryRunnable({ name: 'deposit', args: '<amount>', summary: 'bond an amount; the first deposit deploys the stake', examples: ['cocoon stake deposit 10 --dry-run'] }, async () => (await import('./commands/stake.ts')).stakeDeposit),
      {
        name: 'delegate',
        summary: 'sign that a receipt key speaks for the stake; the provider shows this to its clients',
        groups: GROUPS,
        options: [['--receipt-key <hex>', 'the receipt key of the provider, 64 hex digits; default the one of this home'], ['--days <count>', 'how long it holds, 1 to 366; default 30']],
        examples: ['cocoon stake delegate --receipt-key HEX --days 30 --json > delegation.json'],
        load: async () => (await import('./commands/stake.ts')).stakeDelegate
      },
      dryRunnable({ name: 'unbond', args: '<amount>', summary: 'begin to take an amount, or all, out; it counts no more, and can be lost until the time is over', examples: ['cocoon stake unbond all'] }, async () => (await import('./commands/stake.ts')).stakeUnbond),
      dryRunnable({ name: 'rebond', summary: 'bond again what is on its way out', examples: ['cocoon stake rebond'] }, async () => (await import('./commands/stake.ts')).stakeRebond),
      dryRunnable({ name: 'withdraw', summary: 'take out what is unbonded', examples: ['cocoon stake withdraw'] }, async () => (await import('./commands/stake.ts')).stakeWithdraw)
    ]
  }
]
