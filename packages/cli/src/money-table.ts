import type { CommandGroup, CommandSpec } from './command-spec.ts'

const DRY_RUN = ['--dry-run', 'print each message with its amount and its cost, and send nothing'] as const
const AS = ['--as <address>', 'with --dry-run: plan for this wallet, whose key need not be here'] as const
const GROUPS = ['chain'] as const
const VAULT_GROUPS = ['chain', 'vault'] as const
const NETWORK_GROUPS = ['chain', 'network'] as const

function dryRunnable (spec: Omit<CommandSpec, 'groups' | 'load'> & { deploys?: boolean }, load: CommandSpec['load']): CommandSpec {
  const { deploys = false, options = [], ...rest } = spec
  return { ...rest, groups: deploys ? VAULT_GROUPS : GROUPS, options: [...options, DRY_RUN, AS], load }
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
      { name: 'signers', summary: 'the keys that may sign vouchers, the operator and its daily budget', groups: GROUPS, examples: ['cocoon vault signers --json'], load: async () => (await import('./commands/vault-roles.ts')).vaultSigners },
      dryRunnable({ name: 'deposit', sends: 'SetUp, TopUp', args: '<amount>', summary: 'put coins in; the first deposit deploys the vault', examples: ['cocoon vault deposit 2 --dry-run'] }, async () => (await import('./commands/vault.ts')).vaultDeposit),
      dryRunnable({ name: 'open', sends: 'OpenLanes', args: '<payee> <cap>', summary: 'lock an amount for one provider; deploys the vault when there is none', deploys: true, examples: ['cocoon vault open 0:PAYEE 0.1'] }, async () => (await import('./commands/vault-lane.ts')).vaultOpen),
      dryRunnable({ name: 'top-up', sends: 'OpenLanes', args: '<payee> <amount>', summary: 'raise the cap of an open lane', examples: ['cocoon vault top-up 0:PAYEE 0.05'] }, async () => (await import('./commands/vault-lane.ts')).vaultTopUp),
      dryRunnable({ name: 'unlock', sends: 'StartUnlock', args: '<payee>', summary: 'begin to end a lane; its provider is told and may redeem until the time is over', examples: ['cocoon vault unlock 0:PAYEE'] }, async () => (await import('./commands/vault.ts')).vaultUnlock),
      dryRunnable({ name: 'finish', sends: 'FinishUnlock', args: '<payee>', summary: 'end a lane whose unlock is over: what it has left is free', examples: ['cocoon vault finish 0:PAYEE'] }, async () => (await import('./commands/vault.ts')).vaultFinish),
      dryRunnable({ name: 'withdraw', sends: 'Withdraw', args: '<amount>', summary: 'send what is free to the owner\'s wallet; all leaves what rent needs', examples: ['cocoon vault withdraw 0.5', 'cocoon vault withdraw all'] }, async () => (await import('./commands/vault.ts')).vaultWithdraw),
      {
        name: 'close',
        args: '<payee|provider>',
        summary: 'end a lane at once, together with its provider, at what its jobs have cost: what is left is free again; the lane gets no further job',
        groups: NETWORK_GROUPS,
        options: [['--out <file>', 'where the provider is not reached, write the signed close there, for its payee to send with `cocoon settle close`; the file must not be there yet'], ['--sum <amount>', 'what the lane pays in all; default what its jobs have cost'], ['--dry-run', 'show the sum, and sign nothing']],
        examples: ['cocoon vault close 0:PAYEE', 'cocoon vault close 0:PAYEE --out close.json', 'cocoon vault close 0:PAYEE --dry-run'],
        load: async () => (await import('./commands/vault-close.ts')).vaultClose
      },
      dryRunnable({ name: 'add-signer', sends: 'AddSigner', args: '<index> <key>', summary: 'write a further voucher signer, 64 hex digits; an index is written once, for ever', examples: ['cocoon vault add-signer 1 HEX --dry-run'] }, async () => (await import('./commands/vault-roles.ts')).vaultAddSigner),
      dryRunnable({ name: 'retire-signer', sends: 'RetireSigner', args: '<index>', summary: 'let a signer open nothing more; what it signed for open lanes stays good', examples: ['cocoon vault retire-signer 0 --dry-run'] }, async () => (await import('./commands/vault-roles.ts')).vaultRetireSigner),
      dryRunnable({ name: 'operator', sends: 'SetOperator', args: '<address> [budget]', summary: 'name the wallet that may open, top up and unlock lanes besides the owner, within a daily budget; or none', examples: ['cocoon vault operator 0:WALLET 0.5 --dry-run', 'cocoon vault operator none'] }, async () => (await import('./commands/vault-roles.ts')).vaultOperator),
      dryRunnable({ name: 'flush-fee', sends: 'FlushFee', summary: 'pay the accrued coordination fee to the treasury; by itself that happens at 0.1 TON', examples: ['cocoon vault flush-fee --dry-run'] }, async () => (await import('./commands/vault-roles.ts')).vaultFlushFee)
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
      { name: 'send', args: '<address> <amount>', summary: 'send coins', groups: GROUPS, options: [DRY_RUN, AS], examples: ['cocoon wallet send UQ... 0.5 --dry-run'], load: async () => (await import('./commands/wallet.ts')).walletSend }
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
      dryRunnable({ name: 'close', sends: 'CloseLane', args: '<file>', summary: 'end a lane at once, together with its payer: checks the sum of the file of `cocoon vault close`, signs it and sends it', examples: ['cocoon settle close close.json --dry-run'] }, async () => (await import('./commands/settle-close.ts')).settleClose),
      dryRunnable({ name: 'release', sends: 'Redeem, ReleaseLane', args: '<vault>', summary: 'redeem what a lane holds, then end it for its payer at once; while no job runs on it', examples: ['cocoon settle release 0:VAULT'] }, async () => (await import('./commands/settle-close.ts')).settleRelease),
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
      dryRunnable({ name: 'deposit', sends: 'Deposit', args: '<amount>', summary: 'bond an amount; the first deposit deploys the stake', examples: ['cocoon stake deposit 10 --dry-run'] }, async () => (await import('./commands/stake.ts')).stakeDeposit),
      { name: 'receipt-key', summary: 'show the key that a provider of this home signs receipts with: what the stake delegates to', groups: GROUPS, examples: ['cocoon stake receipt-key'], load: async () => (await import('./commands/stake.ts')).stakeReceiptKey },
      {
        name: 'delegate',
        summary: 'sign that a receipt key speaks for the stake; the provider shows this to its clients (--stake-file)',
        groups: GROUPS,
        options: [['--receipt-key <hex>', 'the receipt key of the provider, 64 hex digits; default the one of this home'], ['--days <count>', 'how long it holds, 1 to 366; default 30']],
        examples: ['cocoon stake delegate --receipt-key HEX --days 30 --json > delegation.json'],
        load: async () => (await import('./commands/stake.ts')).stakeDelegate
      },
      dryRunnable({ name: 'unbond', sends: 'Unbond', args: '<amount>', summary: 'begin to take an amount, or all, out; it counts no more, and can be lost until the time is over', examples: ['cocoon stake unbond all'] }, async () => (await import('./commands/stake.ts')).stakeUnbond),
      dryRunnable({ name: 'rebond', sends: 'Rebond', summary: 'bond again what is on its way out', examples: ['cocoon stake rebond'] }, async () => (await import('./commands/stake.ts')).stakeRebond),
      dryRunnable({ name: 'withdraw', sends: 'Withdraw', summary: 'take out what is unbonded', examples: ['cocoon stake withdraw'] }, async () => (await import('./commands/stake.ts')).stakeWithdraw),
      { name: 'evidence', summary: 'list the evidence that was found against providers\' stakes', groups: GROUPS, examples: ['cocoon stake evidence --json'], load: async () => (await import('./commands/stake-report.ts')).stakeEvidence },
      dryRunnable({ name: 'report', sends: 'SlashContradiction, SlashOvercharge', args: '<file>', summary: 'bring evidence to the stake that it is against; a tenth of what is taken is the reporter\'s', examples: ['cocoon stake report ~/.cocoon/slash-evidence/FILE.json --dry-run'] }, async () => (await import('./commands/stake-report.ts')).stakeReport)
    ]
  }
]
