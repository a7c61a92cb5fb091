/** Imports a CT model in a process of its own and says what it took: `import-measured.ts SOURCE OUTPUT`. */
import { importModel } from '../../src/model-import/import-model.ts';

const [source = '', output = ''] = process.argv.slice(2);
const startedAt = performance.now();
await importModel({ source, name: 'measured', modality: 'CT', output });
const seconds = (performance.now() - startedAt) / 1000;
process.stdout.write(JSON.stringify({ seconds, maxRSS: process.resourceUsage().maxRSS }));
