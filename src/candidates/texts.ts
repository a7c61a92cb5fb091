/** All words of the page, in English; see http/pages/texts.ts. */
export const CANDIDATE_TEXTS = {
  title: 'Candidates',
  explain:
    'A candidate is a model that is tried beside the one in use: it segments the same images when no study ' +
    'waits. What it finds is kept here alone: it is in no report, no trend and no archive.',
  none:
    'Nothing has been compared yet. To try a model, import it and name it at models.candidates in the ' +
    "site's file.",
  open: (ofClass: string, name: string, waiting: number, failed: number) =>
    `${ofClass}, ${name}: ${images(waiting)} to be segmented yet` + (failed > 0 ? `, ${failed} failed` : ''),
  lastFailure: 'The last failure:',
  heading: (ofClass: string, candidate: string, inUse: string) => `${ofClass}: ${candidate} beside ${inUse}`,
  counted: (studies: number, count: number) =>
    `${studies === 1 ? '1 study' : `${studies} studies`}, ${images(count)} segmented by both.`,
  same: (mean: string, median: string, lowest: string) =>
    `How far the two agree (Dice, 1: every voxel the same; 0: none): mean ${mean}, median ${median}, ` +
    `lowest ${lowest}.`,
  bias: (by: string, isLarger: boolean, low: string, high: string) =>
    `The candidate's volumes are ${by} ml ${isLarger ? 'larger' : 'smaller'} on average. For 95 % of ` +
    `images the difference is expected between ${low} and ${high} ml (Bland and Altman).`,
  tooFew: 'For the differences between volumes, two images are needed in which both found something.',
  nothing: (candidate: number, inUse: number, both: number) =>
    `Nothing was found by the candidate alone in ${candidate}, by the model in use alone in ${inUse}, ` +
    `by both in ${both}.`,
  plot: (most: number) =>
    'Difference between the volumes against their mean: one point for each image series' +
    ` (the ${most} that agree least, where there are more). Grey: 95 % intervals of the lines.`,
  axis: 'candidate less model in use, ml',
  readers: 'What readers said of the model in use',
  readersExplain:
    'Where a result was accepted, a good candidate finds much the same; where it was rejected, something ' +
    'else.',
  verdicts: { accepted: 'Accepted', rejected: 'Rejected', none: 'Not reviewed' },
  noCorrections: 'No reader has corrected any of these results.',
  corrections: (n: number, candidate: string, inUse: string, nearer: number, other: number) =>
    `${n === 1 ? 'A reader corrected one result' : `Readers corrected ${n} results`}. Mean Dice with the ` +
    `reader: candidate ${candidate}, model in use ${inUse}. The candidate was nearer in ${nearer}, the ` +
    `model in use in ${other}.`,
  flags: 'Quality flags',
  noFlags: 'Neither model has a flag in any of these images.',
  worst: 'Where they differ most',
  promote: 'To use the candidate from the next study on:',
  promotion: (name: string) => `pansegnet-node models promote ${name}`,
  candidate: 'Candidate',
  inUse: 'Model in use',
  weights: 'weights sha256',
  mode: 'mode',
  columns: {
    verdict: 'Readers',
    images: 'Images',
    dice: 'Mean Dice',
    lowest: 'Lowest Dice',
    difference: 'Median difference (ml)',
    flag: 'Flag',
    both: 'Both',
    candidateOnly: 'Candidate alone',
    inUseOnly: 'Model in use alone',
    study: 'Study',
    oneDice: 'Dice',
    inUseMl: 'In use (ml)',
    candidateMl: 'Candidate (ml)',
    differenceMl: 'Difference (ml)',
    flags: 'Flags: in use / candidate',
    review: 'Review',
    reader: 'Dice with reader: in use / candidate',
  },
} as const;

function images(count: number): string {
  return count === 1 ? '1 image series' : `${count} image series`;
}
