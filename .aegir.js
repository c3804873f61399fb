// One configuration for every workspace: aegir looks for it upwards from the
// folder it runs in. Tests run from source, so imports between workspaces
// resolve through the `source` condition.
/** @type {import('aegir').PartialOptions} */
export default {
  build: { bundle: false },
  test: {
    build: false,
    before: async () => ({ env: { NODE_OPTIONS: '--conditions=source --disable-warning=ExperimentalWarning' } })
  }
}
