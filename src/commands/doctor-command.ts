import { examine } from '../compose/doctor.ts';
import { loadConfig } from '../config.ts';
import type { Finding } from '../doctor/finding.ts';
import { print } from './print.ts';

interface DoctorOptions {
  config?: string;
  json?: true;
}

/** Ends with 1 where there is a problem; warnings alone end with 0. */
export async function runDoctor({ config: file, json }: DoctorOptions): Promise<void> {
  const findings: Finding[] = [];
  for await (const finding of examine(() => loadConfig({ file }))) {
    findings.push(finding);
    if (!json) print(describeFinding(finding));
  }
  const count = (verdict: Finding['verdict']) => findings.filter((one) => one.verdict === verdict).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  if (json) print(JSON.stringify({ problems, warnings, findings }, null, 2));
  else print(`${problems} problem(s), ${warnings} warning(s), ${count('ok')} in order`);
  if (problems > 0) process.exitCode = 1;
}

/** One line where all is well; else what is wrong, why it matters and what to do, each on its line. */
function describeFinding({ check, verdict, what, why, todo }: Finding): string {
  const indented = what.replaceAll('\n', '\n  ');
  const lines = [`${verdict.padEnd(7)}  ${check}: ${indented}`];
  if (why !== undefined) lines.push(`  why it matters: ${why}`);
  if (todo !== undefined) lines.push(`  what to do:     ${todo}`);
  return lines.join('\n');
}
