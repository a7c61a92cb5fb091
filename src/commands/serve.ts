import { z } from 'zod';
import { NODE_ROLES } from '../compose/role.ts';
import { startNode } from '../compose.ts';
import { defineCommand } from './definition/command.ts';
import { option } from './definition/field.ts';
import { commandRoutes } from './running/command-routes.ts';
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
  run: async ({ role }, { configure, everyCommand }) => {
    const config = configure();
    const node = await startNode(config, {
      role,
      commandRoutes: (parts) => commandRoutes(everyCommand, parts),
    });
    await stopSignal();
    await stopInTime(() => node.stop(), config.shutdown.graceSeconds * 1000);
  },
});
