import { z } from 'zod';
import { examine } from '../compose/doctor.ts';
import type { Finding } from '../doctor/finding.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';
import { print } from './terminal/print.ts';

/** Ends with 1 where there is a problem; warnings alone end with 0. */
export const doctor = defineCommand({
  name: 'doctor',
  help: 'say whether archive, database, models, disk and memory are fit to run; ends with 1 if not',
  runs: 'here',
  options: z.strictObject({ json: jsonFlag }),
  run: async ({ json }, { configure }) => {
    const findings: Finding[] = [];
    for await (const finding of examine(configure)) {
      findings.push(finding);
      if (!json) print(describeFinding(finding));
    }
    const count = (verdict: Finding['verdict']) => findings.filter((one) => one.verdict === verdict).length;
    const [problems, warnings] = [count('problem'), count('warning')];
    if (json) print(JSON.stringify({ problems, warnings, findings }, null, 2));
    else print(`${problems} problem(s), ${warnings} warning(s), ${count('ok')} in order`);
    if (problems > 0) process.exitCode = 1;
  },
});

/** One line where all is well; else what is wrong, why it matters and what to do, each on its line. */
function describeFinding({ check, verdict, what, why, todo }: Finding): string {
  const indented = what.replaceAll('\n', '\n  ');
  const lines = [`${verdict.padEnd(7)}  ${check}: ${indented}`];
  if (why !== undefined) lines.push(`  why it matters: ${why}`);
  if (todo !== undefined) lines.push(`  what to do:     ${todo}`);
  return lines.join('\n');
}
