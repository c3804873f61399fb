#!/usr/bin/env -S node --conditions=source
import { main } from '../src/main.ts'

process.exitCode = await main()
