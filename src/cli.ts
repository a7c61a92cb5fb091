#!/usr/bin/env node
import './telemetry-off.ts';
import { COMMANDS, GROUPS } from './commands/all.ts';
import { runCommandLine } from './commands/command-line/program.ts';

await runCommandLine({ commands: COMMANDS, groups: GROUPS });
