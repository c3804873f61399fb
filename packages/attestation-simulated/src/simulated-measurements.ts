/**
 * Digests of what the simulated guests measure, 64 hex digits, by whose format the evidence is in: what an allow-list names.
 * They are the same for every seed, since the guests are.
 */
export const SIMULATED_MEASUREMENTS = Object.freeze({
  tdx: '93c4752e352fdc460bdbb695210ef029283f27feecf1c35dba7530568840ad60',
  snp: '6ad1e4f4c3b7c7b9bc80eb6d8f585d2e2125e646018d2881734fb9b9b2a8821a'
})
