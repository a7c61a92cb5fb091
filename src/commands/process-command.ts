import { processCommand } from '../compose/commands/process.ts';
import type { SegmentedClass } from '../pipeline/selection/rules.ts';
import { runNodeCommand } from './node-command.ts';

interface ProcessOptions {
  study: string;
  series?: string;
  class?: SegmentedClass;
  config?: string;
}

export async function processStudy({ config, ...options }: ProcessOptions): Promise<void> {
  await runNodeCommand(processCommand, options, { config });
}
