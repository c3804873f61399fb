// Mocha reporter: what `spec` prints, and the exact counts as JSON in the file
// that COCOON_TEST_COUNTS names.

const { writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const mocha = createRequire(require.main.filename)('mocha')

class CountReporter extends mocha.reporters.Spec {
  constructor (runner, options) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      writeFileSync(process.env.COCOON_TEST_COUNTS, JSON.stringify({ passed: passes, failed: failures, pending }))
    })
  }
}

module.exports = CountReporter
