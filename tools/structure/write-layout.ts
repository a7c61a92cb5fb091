/**
 * What the documents show of the code's layout: the table of rooms in CONTRIBUTING.md, written from rooms.ts,
 * and README.md's picture of the data's way, written from rooms.ts and the stages of a run.
 *
 *   node tools/structure/write-layout.ts [--check]
 *
 * `--check` writes nothing, and exits with 1 where one of them is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drawDataWay } from './draw-data-way.ts';
import { ROOMS } from './rooms.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BEGIN = '<!-- rooms: written by `npm run layout` -->\n';
const END = '<!-- /rooms -->';

function table(): string {
  const rows = Object.entries(ROOMS).map(([room, { what, mayImport }]) => {
    const name = room.endsWith('.ts') ? `src/${room}` : `src/${room}/`;
    const rights = mayImport.includes('*')
      ? 'everything'
      : mayImport.map((right) => `\`${right}\``).join(', ');
    return `| \`${name}\` | ${what} | ${rights} |\n`;
  });
  return `| room | what is in it | may import |\n| --- | --- | --- |\n${rows.join('')}`;
}

function withTable(text: string): string {
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  return text.slice(0, begin) + table() + text.slice(text.indexOf(END));
}

/** What each file should hold, given what it holds. */
const WRITERS: Readonly<Record<string, (before: string) => string>> = {
  'CONTRIBUTING.md': withTable,
  'docs/images/data-way.svg': drawDataWay,
};

for (const [name, write] of Object.entries(WRITERS)) {
  const file = path.join(ROOT, name);
  const before = readFileSync(file, { encoding: 'utf8', flag: 'a+' });
  const after = write(before);
  if (after === before) continue;
  if (process.argv.includes('--check')) {
    console.error(`${name} is stale; \`npm run layout\` writes it anew`);
    process.exitCode = 1;
  } else writeFileSync(file, after);
}
