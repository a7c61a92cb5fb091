import { z } from 'zod';
import { NODE_ROLES } from '../compose/role.ts';
import { startNode } from '../compose.ts';
import { defineCommand } from './definition/command.ts';
import { option } from './definition/field.ts';
import { reportError } from './terminal/report-error.ts';
import { stopInTime, stopSignal } from './terminal/stop-signal.ts';

export const serve = defineCommand({
  name: 'serve',
  help: 'watch the archive and process what arrives',
  runs: 'here',
  options: z.strictObject({
    role: option(
      '--role <role>',
      'gateway: polls, receives, shows; worker: processes; all: both',
      z.enum(NODE_ROLES).default('all'),
    ),
  }),
  run: async ({ role }, { configure, commandRoutes }) => {
    const config = configure();
    // What the start has opened would keep the process alive; what it has written is found as after a kill.
    const node = await startNode(config, { role, commandRoutes }).catch((error: unknown) =>
      process.exit(reportError(error)),
    );
    await stopSignal();
    await stopInTime(() => node.stop(), config.shutdown.graceSeconds * 1000);
  },
});
