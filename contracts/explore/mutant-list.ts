/** The faults that the exploration is tried with, a few words each. */
import type { Mutant } from './mutants.ts'

const VAULT = 'client-vault'
const STAKE = 'provider-stake'
const STAKE_MAIN = 'provider-stake.tolk'
const EVIDENCE = 'evidence.tolk'
const MAIN = 'client-vault.tolk'
const OPENING = 'opening.tolk'
const ENDING = 'ending.tolk'
const ROLES = 'roles.tolk'
const PAYING = 'paying.tolk'
const RULES = 'rules.tolk'

export const MUTANTS: readonly Mutant[] = Object.freeze([
  { contract: VAULT, name: 'redeem without its signature', file: MAIN, from: 'assert (isSignatureValid(hash, msg.signature as slice, lane.terms.key)) throw ERR_SIGNATURE;', to: '' },
  { contract: VAULT, name: 'redeem beyond the cap', file: MAIN, from: 'val newPaid = min(msg.cumulative, lane.cap);', to: 'val newPaid = msg.cumulative;' },
  { contract: VAULT, name: 'redeem forgets what it paid', file: MAIN, from: 's.paid = counter.with(newPaid);', to: '' },
  { contract: VAULT, name: 'redeem pays its sender', file: RULES, from: 'value: amount, dest: account(dest) }', to: 'value: amount, dest: sender }' },
  { contract: VAULT, name: 'fee of each part instead of the sum', file: RULES, from: 'return newPaid * bps / 10000 - paid * bps / 10000;', to: 'return (newPaid - paid) * bps / 10000;' },
  { contract: VAULT, name: 'open with an epoch used before', file: OPENING, from: '(msg.epoch > counts.lastEpoch) & ', to: '' },
  { contract: VAULT, name: 'top up a lane of another epoch', file: OPENING, from: '(lane.terms.epoch == epoch) & (lane.terms.keyIdx == keyIdx)', to: 'lane.terms.keyIdx == keyIdx' },
  { contract: VAULT, name: 'top up a lane that unlocks', file: OPENING, from: 'assert (lane.terms.unlockAt == 0) throw ERR_UNLOCKING;\n    assert (lane.cap + cap', to: 'assert (lane.cap + cap' },
  { contract: VAULT, name: 'open with a retired signer', file: OPENING, from: 'assert (!signer.retired) throw ERR_NO_SIGNER;', to: '' },
  { contract: VAULT, name: 'promise more than is held', file: OPENING, from: 'assert (lacking + OPEN_GAS <= valueCoins) throw ERR_SOLVENCY;\n    reserveToncoinsOnBalance(held + lacking,', to: 'reserveToncoinsOnBalance(held,' },
  { contract: VAULT, name: 'budget that never fills', file: RULES, from: 'self.spent += amount;', to: '' },
  { contract: VAULT, name: 'signer overwritten', file: ROLES, from: 'assert (c.signers.addIfNotExists(msg.idx, { key: msg.key, retired: false })) throw ERR_SIGNER_EXISTS;', to: 'c.signers.set(msg.idx, { key: msg.key, retired: false });' },
  { contract: VAULT, name: 'unlock without the notice\'s value', file: ENDING, from: 'value: NOTICE_VALUE,', to: 'value: 0,' },
  { contract: VAULT, name: 'unlock finished a second late', file: ENDING, from: 'blockchain.now() >= lane.terms.unlockAt', to: 'blockchain.now() > lane.terms.unlockAt' },
  { contract: VAULT, name: 'unlock finished at any time', file: ENDING, from: ' && blockchain.now() >= lane.terms.unlockAt', to: '' },
  { contract: VAULT, name: 'gas of an ended lane stays locked', file: RULES, from: 'self.locked -= lane.cap - paid + lane.terms.gasLeft;', to: 'self.locked -= lane.cap - paid;' },
  { contract: VAULT, name: 'counter of an ended lane kept', file: RULES, from: 'self.paid = self.paid.at(lane.slot).with(0);', to: '' },
  { contract: VAULT, name: 'refund beyond what is redeemed', file: RULES, from: 'return min(min(gasLeft, fees + REFUND_EXTRA), delta);', to: 'return gasLeft;' },
  { contract: VAULT, name: 'close without the signer', file: ENDING, from: 'assert (isSignatureValid(hash, msg.signerSignature.load() as slice, lane.terms.key)) throw ERR_SIGNATURE;', to: '' },
  { contract: VAULT, name: 'close without the payee', file: ENDING, from: 'assert (isSignatureValid(hash, msg.payeeSignature.load() as slice, msg.walletKey)) throw ERR_SIGNATURE;', to: '' },
  { contract: VAULT, name: 'withdraw what is locked', file: PAYING, from: 'assert (owed(s.locked, s.feeAccrued, s.lanes.low.load().counts.lanesCount) + msg.amount <=', to: 'assert (s.feeAccrued + msg.amount <=' },
  { contract: VAULT, name: 'withdraw by anyone', file: PAYING, from: 'assertOwner(c, sender);\n    assert (owed(', to: 'assert (owed(' },
  { contract: VAULT, name: 'fee flushed and kept', file: PAYING, from: 's.feeAccrued = 0;\n    s.save();', to: 's.save();' },
  { contract: VAULT, name: 'accrued fee not owed', file: RULES, from: 'return locked + feeAccrued + RESERVE_BASE', to: 'return locked + RESERVE_BASE' },
  { contract: STAKE, name: 'evidence of a key nobody delegated', file: EVIDENCE, from: 'assert (isSignatureValid(hash, d, ownerKey)) throw ERR_DELEGATION;', to: '' },
  { contract: STAKE, name: 'receipts nobody signed', file: EVIDENCE, from: 'assert (isSignatureValid(hash, proof, receiptKey)) throw ERR_SIGNATURE;', to: '' },
  { contract: STAKE, name: 'two equal receipts contradict', file: STAKE_MAIN, from: 'assert (first.contradicts(signedBill(head, msg.second, msg.receiptKey))) throw ERR_NO_CONTRADICTION;', to: 'first.contradicts(signedBill(head, msg.second, msg.receiptKey));' },
  { contract: STAKE, name: 'answers do not contradict', file: EVIDENCE, from: '\n        | ((self as slice).skipFirst(480, 0).preloadUint(256) != (other as slice).skipFirst(480, 0).preloadUint(256))', to: '' },
  { contract: STAKE, name: 'charge up to the hedge fee punished', file: EVIDENCE, from: 'max(divMod(sum + 999999, 1000000).0, terms.loadUint(64))', to: 'divMod(sum + 999999, 1000000).0' },
  { contract: STAKE, name: 'quote that the receipt does not name', file: EVIDENCE, from: 'assert (bill.quoteHash() == hash) throw ERR_OTHER_QUOTE;', to: '' },
  { contract: STAKE, name: 'one overcharge punished twice', file: STAKE_MAIN, from: 'assert (s.punished.addIfNotExists(msg.jobId, true)) throw ERR_PUNISHED;', to: 's.punished.set(msg.jobId, true);' },
  { contract: STAKE, name: 'slash leaves what unbonds', file: STAKE_MAIN, from: 's.bonded = 0;\n            s.unbonding = 0;', to: 's.bonded = 0;' },
  { contract: STAKE, name: 'slash pays the reporter all', file: STAKE_MAIN, from: 'var back = valueCoins + mulDivFloor(taken, REPORTER_SHARE, SHARES);', to: 'var back = valueCoins + taken / 2;' },
  { contract: STAKE, name: 'slashed stake can be bonded again', file: STAKE_MAIN, from: 'assert (!s.slashed) throw ERR_SLASHED;\n    assert (msg.amount > 0)', to: 'assert (msg.amount > 0)' },
  { contract: STAKE, name: 'withdraw before it is ready', file: STAKE_MAIN, from: 'if (blockchain.now() >= s.readyAt) {\n        s.unbonding = 0;\n    }\n    val due', to: 's.unbonding = 0;\n    val due' },
  { contract: STAKE, name: 'withdraw a second late', file: STAKE_MAIN, from: 'if (blockchain.now() >= s.readyAt) {', to: 'if (blockchain.now() > s.readyAt) {' },
  { contract: STAKE, name: 'delay not started anew', file: STAKE_MAIN, from: 's.readyAt = blockchain.now() + s.terms.load().unbondSeconds;', to: 's.readyAt = max(s.readyAt, s.terms.load().unbondSeconds);' },
  { contract: STAKE, name: 'deposit that brings nothing', file: STAKE_MAIN, from: 'assert (kept - held + DEPOSIT_GAS <= valueCoins) throw ERR_LOW_VALUE;\n    reserveToncoinsOnBalance(kept,', to: 'reserveToncoinsOnBalance(held,' },
  { contract: STAKE, name: 'withdraw by anyone', file: STAKE_MAIN, from: 'assertOwner(s, sender);\n    val held', to: 'val held' }
])
