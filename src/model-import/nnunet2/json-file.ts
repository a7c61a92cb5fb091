import { z } from 'zod';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';

/** What plans.json and dataset.json have in common: text that people may have edited. */
export function parseJson<Schema extends z.ZodType>(
  bytes: Uint8Array,
  schema: Schema,
  file: string,
): z.output<Schema> {
  let json: unknown;
  try {
    // Python writes NaN and Infinity, which JSON doesn't know; nnU-Net does so for empty statistics.
    json = JSON.parse(new TextDecoder().decode(bytes).replace(NOT_FINITE, '$1null'));
  } catch (cause) {
    throw new SegmentationError('PLANS_INVALID', `${file} is not JSON: ${String(cause)}`, { cause });
  }
  return checked(json, schema, file);
}

const NOT_FINITE = /([:,[]\s*)-?(?:NaN|Infinity)(?=\s*[,}\]])/g;

/** @throws {SegmentationError} PLANS_INVALID: says what was expected and where */
export function checked<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SegmentationError('PLANS_INVALID', `${what}:\n${z.prettifyError(parsed.error)}`);
}

/** The last part of a Python name: modules move, and nnU-Net then looks for the class by this. */
export const className = (name: string): string => name.split('.').at(-1) ?? name;
