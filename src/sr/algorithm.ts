import { algorithmParameters } from '../results/algorithm-parameters.ts';
import { CODES } from '../results/codes.ts';
import type { ResultContext } from '../results/result-context.ts';
import { type ContentItem, related, textContent } from './content-item.ts';

/** Algorithm identification (TID 4019): model, version, and what else tells its results apart. */
export function algorithmIdentification(context: ResultContext): ContentItem[] {
  return [
    textContent(CODES.algorithmName, context.model.name),
    textContent(CODES.algorithmVersion, context.model.version),
    ...algorithmParameters(context).map((value) => textContent(CODES.algorithmParameters, value)),
  ].map((item) => related('HAS CONCEPT MOD', item));
}

/** What stands before name and version in a description in words. */
export const DESCRIBED_NAME = 'algorithm';
export const DESCRIBED_VERSION = 'version';

/** The same in words, where a template has no algorithm identification. */
export function algorithmDescription(context: ResultContext): string[] {
  const { name, version } = context.model;
  return [`${DESCRIBED_NAME}: ${name}`, `${DESCRIBED_VERSION}: ${version}`, ...algorithmParameters(context)];
}
