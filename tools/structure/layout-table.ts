/**
 * The table of rooms in CONTRIBUTING.md, written from rooms.ts.
 *
 *   node tools/structure/layout-table.ts [--check]
 *
 * `--check` writes nothing, and exits with 1 where the table is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOMS } from './rooms.ts';

const FILE = path.resolve(import.meta.dirname, '../../CONTRIBUTING.md');
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

const before = readFileSync(FILE, 'utf8');
const begin = before.indexOf(BEGIN) + BEGIN.length;
const after = before.slice(0, begin) + table() + before.slice(before.indexOf(END));
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('CONTRIBUTING.md: the table of rooms is stale; `npm run layout` writes it anew');
    process.exitCode = 1;
  }
} else writeFileSync(FILE, after);
