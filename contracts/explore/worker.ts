/** A thread of `team.ts`: asked with a list of states, answers with what their moves lead to; with none, with the first. */
import { parentPort, workerData } from 'node:worker_threads'
import { teamOf } from './team.ts'
import type { Job } from './expander.ts'
import type { Answer, TeamOptions } from './team.ts'

const team = await teamOf(workerData as TeamOptions)
parentPort?.on('message', (jobs: readonly Job[]) => {
  const answer = async (): Promise<Answer> => jobs.length === 0 ? { first: await team.first() } : { expansions: await team.expand(jobs) }
  void answer().then(message => { parentPort?.postMessage(message) })
})
