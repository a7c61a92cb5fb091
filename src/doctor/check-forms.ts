import { type Finding, ok, trouble } from './finding.ts';

/** Archives whose makers document that they don't take a form of segmentation. */
const REFUSALS = [
  {
    archive: 'AWS HealthImaging',
    isHost: (host: string) => /(^|-)medical-imaging\.[^/]*\.amazonaws\.com$/.test(host),
    form: 'binary',
    todo: 'Set results.segmentation to labelmap or fractional.',
  },
] as const;

/**
 * Whether the archive takes the segmentations that the node is to write, as far as its maker says.
 * @param forms as in `results.segmentation`
 */
export function checkForms(archiveUrl: string, forms: readonly string[]): Finding {
  const check = 'forms of results';
  const { hostname } = new URL(archiveUrl);
  const refusal = REFUSALS.find(({ isHost, form }) => isHost(hostname) && forms.includes(form));
  if (!refusal) return ok(check, `segmentations: ${forms.join(', ')}`);
  return trouble(
    check,
    'problem',
    `${refusal.archive} documents that it does not take ${refusal.form} segmentations`,
    'Results cannot be stored, and studies fail.',
    refusal.todo,
  );
}
