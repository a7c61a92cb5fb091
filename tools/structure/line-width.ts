import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const BIOME = path.resolve(import.meta.dirname, '../../biome.json');
const { lineWidth } = z
  .object({ formatter: z.object({ lineWidth: z.int().positive() }) })
  .parse(JSON.parse(readFileSync(BIOME, 'utf8'))).formatter;

/** Where pages are written. */
const MARKUP = /^(?:http\/pages|evaluation\/page)\//;
const TAG = /<\/?[a-z][a-z0-9]*[ >]/;

/**
 * The formatter breaks code; comments and texts are left to people. Markup of pages stays whole: a break
 * would be in the page.
 */
export function longLines(file: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      line.length > lineWidth && !(MARKUP.test(file) && TAG.test(line))
        ? [`${file}:${index + 1} has ${line.length} columns`]
        : [],
    );
}
