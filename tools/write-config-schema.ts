/** Writes config/schema.json, the JSON Schema of the configuration for editors. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { configJsonSchema } from '../src/config.ts';

const file = path.resolve(import.meta.dirname, '../config/schema.json');
writeFileSync(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
