#!/usr/bin/env node
import './telemetry-off.ts';
import './wasm-code-kept.ts';
import { GROUPS, loadCommands, loadCommandsBehind } from './commands/all.ts';
import { runCommandLine } from './commands/command-line/program.ts';

await runCommandLine({
  commands: await loadCommandsBehind(process.argv[2]),
  everyCommand: loadCommands,
  groups: GROUPS,
});
