/** The stages of a run, in order. */
export const STAGES = [
  'list series',
  'select',
  'retrieve',
  'volume',
  'segment',
  'measure',
  'results',
  'store',
  'verify',
  'record',
  'corrections',
] as const;
export type Stage = (typeof STAGES)[number];
