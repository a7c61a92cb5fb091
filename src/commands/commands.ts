import { stringify } from 'yaml';
import type { NodeRole } from '../compose/role.ts';
import { startNode } from '../compose.ts';
import { loadConfig, masked } from '../config.ts';
import { print } from './print.ts';
import { reportError } from './report-error.ts';
import { stopInTime, stopSignal } from './stop-signal.ts';

export async function serve(options: { config?: string; role: NodeRole }): Promise<void> {
  const config = loadConfig({ file: options.config });
  // What the start has opened would keep the process alive; what it has written is found as after a kill.
  const node = await startNode(config, { role: options.role }).catch((error: unknown) =>
    process.exit(reportError(error)),
  );
  await stopSignal();
  await stopInTime(() => node.stop(), config.shutdown.graceSeconds * 1000);
}

export function checkConfig(file: string): void {
  print(stringify(masked(loadConfig({ file }))));
}
