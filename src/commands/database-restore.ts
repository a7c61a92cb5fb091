import { z } from 'zod';
import { dataPlaces, refuseForeignData } from '../compose/data-owner.ts';
import { databasePlace } from '../compose/database.ts';
import { restoreDatabase } from '../store/database/backup.ts';
import { defineCommand } from './definition/command.ts';
import { argument, requiredText } from './definition/field.ts';
import { print } from './terminal/print.ts';

export const databaseRestore = defineCommand({
  name: 'database restore',
  help:
    'put a backup in the place of the database, while every node is stopped; ' +
    'what was there is kept beside it',
  runs: 'here',
  options: z.strictObject({ file: argument('<file>', 'that `database backup` wrote', requiredText) }),
  run: async ({ file }, { configure }) => {
    const config = configure();
    refuseForeignData(dataPlaces(config));
    const aside = await restoreDatabase(databasePlace(config), file, new Date());
    const before = aside === undefined ? '' : `; what was there is in ${aside}: remove it when all is well`;
    print(`restored from ${file}${before}`);
  },
});
