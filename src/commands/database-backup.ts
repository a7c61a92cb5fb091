import { z } from 'zod';
import { dataPlaces, refuseForeignData } from '../compose/data-owner.ts';
import { databasePlace } from '../compose/database.ts';
import { backUpDatabase } from '../store/database/backup.ts';
import { defineCommand } from './definition/command.ts';
import { argument, requiredText } from './definition/field.ts';
import { print } from './terminal/print.ts';

export const databaseBackup = defineCommand({
  name: 'database backup',
  help:
    'write the database into a file: the embedded one while the node is stopped, ' +
    'a server by pg_dump at any time',
  runs: 'here',
  options: z.strictObject({ file: argument('<file>', 'to write; must not be there yet', requiredText) }),
  run: async ({ file }, { configure }) => {
    const config = configure();
    refuseForeignData(dataPlaces(config));
    await backUpDatabase(databasePlace(config), file);
    print(`${file}: a backup of the database`);
  },
});
