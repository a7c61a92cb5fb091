import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Vocabulary } from './words.ts';

/** What comes with the program, in this order. */
const FOLDER = path.resolve(import.meta.dirname, '../../../config/vocabulary');
const FILES = ['phases.yaml', 'images.yaml', 'mr.yaml', 'body.yaml'] as const;

/** Entries stand in one text, between commas. */
const entriesSchema = z.string().transform((entries) =>
  entries
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean),
);

/** A concept's entries, or its entries by language. */
export const vocabularySchema = z.record(
  z.string(),
  z.union([entriesSchema, z.record(z.string(), entriesSchema).transform((by) => Object.values(by).flat())]),
);

/** The concepts that come with the program, those of a file in the place of theirs. */
export function withDefaults(own: Vocabulary = {}): Vocabulary {
  const files = FILES.map((file) => path.join(FOLDER, file));
  const concepts = files.map((file) => vocabularySchema.parse(parse(readFileSync(file, 'utf8'))));
  return Object.assign({}, ...concepts, own) as Vocabulary;
}
