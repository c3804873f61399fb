/**
 * The one table of coded errors. A code is stable: it travels in refusals, labels metrics and is shown to users.
 * `meaning` says what happened, `remedy` what to do, `httpStatus` what the gateway answers, `retry` whether the same
 * request can succeed later without being changed.
 */
export interface ErrorSpec {
  readonly meaning: string
  readonly remedy: string
  readonly httpStatus: number
  readonly retry: boolean
}

function spec (httpStatus: number, retry: boolean, meaning: string, remedy: string): ErrorSpec {
  return Object.freeze({ httpStatus, retry, meaning, remedy })
}

export const ERRORS = Object.freeze({
  // wire
  frame_too_large: spec(413, false, 'A frame is larger than its type allows.', 'Send a smaller request; see the limits in the protocol package.'),
  frame_malformed: spec(400, false, 'Bytes are not the deterministic CBOR that the frame type demands.', 'Update the node that sent it.'),
  version_unsupported: spec(400, false, 'The peer speaks a version that this node does not.', 'Update the older of the two nodes.'),
  stream_closed: spec(502, true, 'The peer closed the stream before the exchange was complete.', 'Try again; another provider will be chosen.'),
  timeout: spec(504, true, 'A deadline passed.', 'Try again, or raise the deadline.'),
  rate_limited: spec(429, true, 'The peer asks for fewer requests.', 'Wait for the time given and try again.'),
  // identity
  wrong_network: spec(400, false, 'The object belongs to another network.', 'Use the same network on both sides.'),
  wrong_peer: spec(400, false, 'The object speaks for another peer than the one that sent it.', 'Ask the peer itself.'),
  bad_signature: spec(400, false, 'A signature does not verify.', 'Nothing was changed; the sender is faulty or hostile.'),
  expired: spec(400, true, 'The object is past its time.', 'Ask for a fresh one; check the clock.'),
  not_yet_valid: spec(400, true, 'The object is from the future.', 'Check the clocks of both sides.'),
  offer_stale: spec(400, true, 'A newer offer of this provider is known, or this one has expired.', 'Ask the provider for its current offer.'),
  // attestation
  evidence_missing: spec(503, true, 'The provider showed no evidence.', 'Choose another provider, or lower the tier that you ask for.'),
  evidence_malformed: spec(503, true, 'The evidence cannot be parsed.', 'Choose another provider.'),
  evidence_kind_refused: spec(503, true, 'The policy does not accept this kind of evidence on this network.', 'Use a policy that allows it, or another provider.'),
  evidence_refused: spec(503, true, 'The evidence does not verify under the policy.', 'Choose another provider; `cocoon explain` lists the reasons.'),
  report_data_mismatch: spec(503, true, 'The evidence commits to another binding.', 'Choose another provider.'),
  binding_mismatch: spec(503, true, 'The binding is not the one that the offer or the connection names.', 'Ask the provider for a fresh offer and evidence.'),
  binding_unknown: spec(409, true, 'The request names a binding that the provider does not hold any more.', 'Fetch fresh evidence and seal again.'),
  challenge_failed: spec(503, true, 'The challenge answer does not verify.', 'Choose another provider.'),
  tier_too_low: spec(503, true, 'No provider of the tier asked for is known.', 'Lower min_tier only if you accept less privacy.'),
  collateral_missing: spec(503, true, 'Collateral that the policy requires is absent or out of date.', 'Fetch collateral, then try again.'),
  policy_invalid: spec(400, false, 'The attestation policy is not valid.', 'Correct the key that the message names.'),
  // job
  model_unknown: spec(404, false, 'No provider known offers this model.', 'List the models with GET /v1/models or `cocoon offers`.'),
  model_ambiguous: spec(400, false, 'The short model name stands for more than one digest.', 'Use name@digest.'),
  no_room: spec(503, true, 'The provider has no free slot.', 'Try again shortly.'),
  quote_unknown: spec(409, true, 'The request names a quote that the provider did not give or no longer honours.', 'Fetch a fresh offer.'),
  quote_expired: spec(409, true, 'The quote is past its honour time.', 'Fetch a fresh offer.'),
  header_invalid: spec(400, false, 'The payment header of the request is not acceptable.', 'Update the client.'),
  max_charge_too_low: spec(400, false, 'The charge allowed does not cover the request.', 'Raise max_cost_nano or shorten the prompt.'),
  seal_failed: spec(400, false, 'The seal does not open.', 'Fetch fresh evidence and seal again.'),
  request_replayed: spec(409, false, 'This sealed request was seen before.', 'Seal a new request.'),
  context_too_long: spec(400, false, 'Prompt and answer do not fit the model\'s context.', 'Shorten the prompt or ask for fewer tokens.'),
  unsupported_parameter: spec(400, false, 'A parameter is not supported by this engine.', 'Leave it out.'),
  bad_request: spec(400, false, 'The request body is not acceptable.', 'Correct the parameter that the message names.'),
  engine_failed: spec(502, true, 'The inference engine failed.', 'Try again; another provider will be chosen.'),
  engine_unavailable: spec(503, true, 'The inference engine is not running.', 'Start it, or check its address.'),
  job_cancelled: spec(499, false, 'The job was cancelled.', 'Nothing: what was delivered is billed, nothing more.'),
  answer_inconsistent: spec(502, true, 'The provider\'s answer contradicts itself or its receipt.', 'Try again; the provider is avoided.'),
  provider_contradicts: spec(502, true, 'The provider signed what contradicts itself: two receipts of one step, or a charge above its quote.', 'Try again: it is not paid for it and never used again. `cocoon stake evidence` lists what can be reported.'),
  // money
  vault_not_accepted: spec(402, false, 'The vault is not one that the network\'s code and parameters give for its owner.', 'Use the vault that `cocoon vault` creates.'),
  vault_missing: spec(402, true, 'The vault is not deployed.', 'Deploy it with `cocoon vault deposit`; a gateway deploys it when it starts.'),
  vault_in_debt: spec(402, false, 'The vault left an unpaid debt with this provider.', 'Ask again: a client pays debts of up to one window by itself; above that, use another provider.'),
  debt_refused: spec(402, false, 'The provider claims a debt that is not this vault\'s, or larger than one window.', 'Use another provider.'),
  lane_unknown: spec(402, true, 'The vault has no lane for this provider.', 'Open one; the client does it by itself when it has funds.'),
  lane_open: spec(409, false, 'The lane is open already.', 'Raise its cap with `cocoon vault top-up`.'),
  lane_not_unlocked: spec(409, false, 'The lane\'s unlock is not over.', 'Start it with `cocoon vault unlock`, and wait until it is over.'),
  lane_unconfirmed: spec(402, true, 'The lane is not confirmed on chain yet.', 'Wait a few seconds.'),
  lane_exhausted: spec(402, false, 'The lane has not enough left for this request.', 'Top up the vault or raise the lane cap.'),
  lane_unlocking: spec(402, false, 'The lane is being unlocked.', 'Open a new lane.'),
  close_refused: spec(402, false, 'The sum at which the lane would end is under what its jobs have cost.', 'Close it at the sum that the message names, or unlock it.'),
  payee_key_absent: spec(409, false, 'The key of the payee\'s wallet is not where its node runs.', 'Write the signed end with `cocoon vault close --out` for the payee to sign and send, or unlock the lane.'),
  lane_in_use: spec(409, true, 'A job runs on the lane.', 'Wait until it has ended.'),
  lane_cap_too_small: spec(402, false, 'The lane\'s cap is under the network\'s minimum.', 'Raise the lane cap.'),
  vault_full: spec(402, false, 'The vault holds as many lanes as it can.', 'End one that is not used any more with `cocoon vault unlock` and `cocoon vault finish`.'),
  lane_busy: spec(409, true, 'Another process writes vouchers for this vault.', 'Stop the other client, or use another home.'),
  voucher_wrong_network: spec(402, false, 'The voucher belongs to another network.', 'Use the same network on both sides.'),
  voucher_wrong_lane: spec(402, false, 'The voucher belongs to another vault, payee or epoch.', 'Update the client.'),
  voucher_bad_signature: spec(402, false, 'The voucher is not signed by the lane\'s signer.', 'Use the signer that the lane pins.'),
  voucher_not_increasing: spec(402, false, 'The voucher is not above the highest one seen.', 'Send only growing vouchers.'),
  voucher_above_cap: spec(402, false, 'The voucher is above the lane\'s cap.', 'Raise the lane cap first.'),
  voucher_late: spec(402, true, 'The voucher did not arrive in time.', 'Check the connection; try again.'),
  allocation_invalid: spec(402, false, 'The split of the voucher over jobs does not add up.', 'Let no other process spend from a copy of this home; otherwise update the client.'),
  spending_limit: spec(402, false, 'A spending limit of this client would be passed.', 'Raise the limit in the configuration if you mean it.'),
  insufficient_funds: spec(402, false, 'The wallet or vault holds too little.', 'Add funds, or name a smaller amount.'),
  nothing_due: spec(409, false, 'There is nothing that the command could move.', 'Nothing: see what there is with `cocoon vault` or `cocoon stake`.'),
  deposit_too_small: spec(402, false, 'A deposit of this size would be used up by rent and gas.', 'Deposit more.'),
  signer_exists: spec(409, false, 'The vault\'s signer index is written already.', 'Choose another index; none is ever written twice.'),
  signer_missing: spec(404, false, 'The vault has no such signer, or it is retired.', '`cocoon vault signers` lists them.'),
  stake_missing: spec(402, true, 'The stake is not deployed.', 'Deploy it with `cocoon stake deposit`.'),
  evidence_unusable: spec(409, false, 'The evidence against a stake is none that its contract takes.', 'See the exit code in the message; nothing was sent.'),
  delegation_unusable: spec(400, false, 'The delegation is not for this provider\'s receipt key and stake, or has ended.', 'Make one with `cocoon stake delegate`.'),
  delegation_ends: spec(409, true, 'The delegation of this provider\'s receipt key ends soon; after that its stake counts as nothing.', 'Make a new one with `cocoon stake delegate` in the same file; it is read by itself.'),
  stake_slashed: spec(402, false, 'The stake was slashed: it never counts again.', 'Withdraw what is left, and deposit with another owner key.'),
  stake_not_ready: spec(409, true, 'Nothing can be withdrawn from the stake yet.', 'Wait until what unbonds is ready.'),
  chain_unavailable: spec(503, true, 'The chain cannot be reached.', 'Check the endpoint; payments resume by themselves.'),
  chain_rejected: spec(502, false, 'The chain refused the message.', 'See the exit code in the message.'),
  chain_disagrees: spec(503, true, 'Two chain endpoints give different answers.', 'Wait for the slower one; if it lasts, one of them lies: replace it.'),
  key_locked: spec(400, false, 'The key is protected by a passphrase, and the one given does not open it.', 'Set COCOON_PASSPHRASE, or correct it.'),
  key_exists: spec(409, false, 'A key is there already, and it is never overwritten.', 'Export it and move its file away first.'),
  would_lose: spec(409, false, 'The message would cost more than it brings.', 'Wait until more is due.'),
  // registry
  registry_missing: spec(404, false, 'The network has no registry.', 'Nothing: without one each client decides by its own policy. `cocoon registry deploy` makes one.'),
  registry_refused: spec(503, false, 'The network\'s registry does not allow this.', 'See `cocoon registry show`; update the software when its registry has moved on.'),
  registry_unknown: spec(503, true, 'What the network\'s registry allows is not known, or was last read too long ago.', 'Check the chain\'s endpoint; it is read again by itself.'),
  registry_invalid: spec(502, true, 'What the chain shows is not the network\'s registry, or an older state of it.', 'The endpoint is behind or lies: use another one.'),
  registry_not_governor: spec(403, false, 'Only the registry\'s governor can do this.', 'Use the governor\'s wallet; `cocoon registry show` names it.'),
  registry_not_ready: spec(409, true, 'The change is not due: it is not proposed, or its time has not come.', 'See what is coming with `cocoon registry show`.'),
  model_unlisted: spec(403, false, 'The network\'s registry does not list this model.', 'Choose a listed model, or unset onlyListedModels.'),
  // choosing
  no_provider: spec(503, true, 'No provider can take this request now.', 'Wait, or relax tier and price; `cocoon explain` lists why.'),
  no_provider_within_price: spec(503, false, 'No provider is within the price asked for.', 'Raise max_price_nano or max_cost_nano.'),
  all_providers_failed: spec(503, true, 'Every provider tried failed before the first token.', 'Try again shortly.'),
  stake_too_small: spec(503, true, 'No provider with the stake asked for is known.', 'Lower min_stake_nano if you accept less; `cocoon explain` lists what each stake counts for.'),
  // gateway
  unauthorized: spec(401, false, 'The API key or token is missing or wrong.', 'Send the key from the configuration.'),
  host_not_allowed: spec(403, false, 'The Host header is not on the allow-list.', 'Add it to the gateway\'s allowed hosts if it is yours.'),
  origin_not_allowed: spec(403, false, 'The Origin header is not on the allow-list.', 'Add it to the gateway\'s allowed origins if it is yours.'),
  unsupported_media_type: spec(415, false, 'The body must be application/json.', 'Set the content-type header.'),
  body_too_large: spec(413, false, 'The body is larger than allowed.', 'Send less.'),
  not_found: spec(404, false, 'There is nothing at this address.', 'See the README for the routes.'),
  method_not_allowed: spec(405, false, 'The route does not take this method.', 'Use the method that the README names.'),
  // local
  config_invalid: spec(400, false, 'The configuration is not valid.', 'Correct the key that the message names.'),
  config_unknown_key: spec(400, false, 'The configuration holds an unknown key.', 'Use the nearest known key that the message names.'),
  usage: spec(400, false, 'The command line is not valid.', 'See --help.'),
  port_taken: spec(500, false, 'The port is in use.', 'Stop the other process or choose another port.'),
  home_locked: spec(500, false, 'Another process uses this home.', 'Stop it, or set another COCOON_HOME.'),
  wrong_wallet: spec(409, false, 'The node that answers uses another wallet than the one that is meant.', 'Name its home with --home, or its port with --admin-port.'),
  not_running: spec(503, true, 'The node that this command talks to is not running.', 'Start it first.'),
  not_available_yet: spec(501, false, 'This is not built yet.', 'See the README for what is there.'),
  file_unusable: spec(400, false, 'A file cannot be read or is not what is expected.', 'Check the path and the content.'),
  internal: spec(500, true, 'Something went wrong inside this node.', 'Please report it with the log.')
})

export type ErrorCode = keyof typeof ERRORS

export function isErrorCode (value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value)
}

export interface CocoonErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** The only error class that crosses a package border. */
export class CocoonError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  readonly retryAfterMs: number

  constructor (code: ErrorCode, message?: string, options: CocoonErrorOptions = {}) {
    super(message ?? ERRORS[code].meaning, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CocoonError'
    this.code = code
    this.details = options.details ?? {}
    this.retryAfterMs = options.retryAfterMs ?? 0
  }

  get spec (): ErrorSpec {
    return ERRORS[this.code]
  }
}

/** Wraps anything thrown into a CocoonError; a CocoonError passes unchanged. */
export function asCocoonError (error: unknown, fallback: ErrorCode = 'internal'): CocoonError {
  if (error instanceof CocoonError) {
    return error
  }
  if (error instanceof Error && (error.name === 'TimeoutError')) {
    return new CocoonError('timeout', undefined, { cause: error })
  }
  return new CocoonError(fallback, error instanceof Error ? error.message : String(error), { cause: error })
}
