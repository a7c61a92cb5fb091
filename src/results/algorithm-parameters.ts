import type { ResultContext } from './result-context.ts';

/** What, besides name and version, tells one result of a model from another. */
export function algorithmParameters({ model, part }: ResultContext): string[] {
  return [
    `title: ${model.title}`,
    `images: ${model.modality}`,
    ...(part ? [`part: ${part}`] : []),
    `weights sha256: ${model.sha256}`,
    `mode: ${model.mode}`,
    ...(model.notice ? [`notice: ${model.notice}`] : []),
  ];
}
