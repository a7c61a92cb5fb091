import type { StudyState } from '../../store/records/study-log.ts';
import { withTimeLeft } from '../../time-left.ts';

/**
 * All words of the pages, in English. Another language is another object of this form; words that come from
 * elsewhere (the reasons of the pipeline, flags of reports, names of models) are shown as they are.
 */
export const TEXTS = {
  language: 'en',
  product: 'pansegnet-node',
  researchOnly: 'For research use only',
  skip: 'Skip to the content',
  navigation: 'Pages',
  studies: 'Studies',
  cohort: 'Cohort',
  quality: 'Quality',
  candidates: 'Candidates',
  api: 'API',
  signedIn: (name: string) => `Signed in as ${name}`,
  signOut: 'Sign out',
  none: 'none',
  unknown: 'unknown',

  states: {
    seen: 'Arriving',
    queued: 'Waiting',
    running: 'Running',
    done: 'Done',
    skipped: 'Skipped',
    failed: 'Failed',
  } satisfies Record<StudyState, string>,

  health: {
    title: 'Health',
    parts: { archive: 'Archive', queue: 'Queue', models: 'Models', disk: 'Disk', database: 'Database' },
    states: { good: 'good', warning: 'look here', bad: 'trouble', unknown: 'not known' },
    unknown: 'is being asked',
    unknownSince: (what: string, at: string) => `no answer yet; at ${at}: ${what}`,
    lookedAt: 'looked at',
    noContact: (since: string) =>
      `No contact with the node since ${since}. What is shown may be out of date.`,
    figures: {
      lastPoll: 'Last poll of the archive',
      never: 'not yet',
      today: 'Studies today',
      median: 'Median time',
      longest: 'Longest waiting',
      end: 'Queue done',
      about: (at: string) => `about ${at}`,
      empty: 'nothing waits',
      nobodyKnows: 'not known yet',
      none: 'none',
    },
    answers: 'answers',
    noModels: 'none is configured',
    queue: (waiting: number, running: number, failed: number) =>
      `${waiting} waiting, ${running} running, ${failed} failed`,
    behind: (waiting: number, running: number, failed: number) =>
      `; behind them ${waiting} waiting, ${running} running, ${failed} failed`,
    modes: { running: '', paused: '; paused', draining: '; draining' },
    disk: (free: number, size: number) => `${free} of ${size} GB free`,
  },

  dashboard: {
    title: 'Studies',
    today: 'Today',
    all: 'All',
    filter: 'Filter',
    search: 'Search',
    searchHint: 'Name, ID, description or UID',
    state: 'State',
    anyState: 'Any state',
    images: 'Images',
    anyImages: 'Any images',
    from: 'Study date from',
    to: 'to',
    apply: 'Show',
    clear: 'Clear',
    empty: 'No study has been seen yet.',
    emptyToday: 'Nothing has changed today.',
    emptyFilter: 'No study fits the filter.',
    count: (from: number, to: number, total: string) => `${from} to ${to} of ${total}`,
    previous: 'Previous page',
    next: 'Next page',
    pages: 'Pages of the list',
    processAll: (count: number) => (count === 1 ? 'Process it again' : `Process all ${count} again`),
    processAllTitle: 'Process again',
    processAllAsk: (count: number, state: string) =>
      `${count} ${count === 1 ? 'study' : 'studies'} ` +
      `(${state.toLowerCase()}) will be put in the queue again.`,
    processAllMost: (most: number, total: number) =>
      `Of the ${total}, these are the ${most} that changed last; the others can be processed after them.`,
    cancel: 'Cancel',
    columns: {
      date: 'Study date',
      patient: 'Patient',
      study: 'Study',
      state: 'State',
      result: 'Pancreas volume',
      action: 'Action',
    },
  },

  study: {
    title: 'Study',
    open: (date: string) => `Study of ${date}`,
    again: 'Process again',
    todo: 'What to do:',
    more: 'more',
    tried: (tries: number) => (tries === 1 ? 'tried once' : `tried ${tries} times`),
    nextTry: (at: string) => `next try ${at}`,
    noNextTry: 'not tried again by itself',
    failedBecause: 'Why it failed',
    waitsBecause: 'Why it waits',
    skippedBecause: 'Why it was skipped',
    viewer: 'Open in viewer',
    patient: 'Patient',
    patientId: 'Patient ID',
    history: 'Volume history',
    born: 'Born',
    sex: 'Sex',
    date: 'Study date',
    description: 'Description',
    accession: 'Accession number',
    scanner: 'Scanner',
    changed: 'Last change',
    results: 'Results',
    noResults: 'There is no result yet.',
    volume: 'Pancreas volume',
    interval: (low: string, high: string) => `interval ${low} to ${high} ml`,
    nothingFound: 'No pancreas was found',
    corrected: (ml: string) => `Corrected by a reader to ${ml} ml`,
    withdrawn: 'Withdrawn',
    flags: 'Quality flags',
    noFlags: 'No quality flag',
    model: 'Model',
    mode: 'mode',
    weights: 'weights sha256',
    made: 'Made',
    downloads: 'Downloads',
    downloadAll: 'Download',
    seg: 'Segmentation (SEG)',
    report: 'Report (SR)',
    historyAlone:
      'This volume is in the history of the node alone: the archive has no SEG and no report of it.',
    series: 'Why these images',
    seriesColumns: {
      series: 'Series',
      class: 'Taken for',
      certainty: 'Certain',
      phase: 'Phase',
      coverage: 'Covers',
      chosen: 'Chosen',
      reason: 'Reason',
    },
    yes: 'yes',
    no: 'no',
    unnamedSeries: 'without description',
    noSeries: 'No series has been looked at yet.',
  },

  orders: {
    title: 'Orders',
    columns: {
      accession: 'Accession number',
      procedure: 'Requested procedure',
      workitem: 'Workitem',
      state: 'State',
      since: 'Since',
    },
    states: {
      claiming: 'being claimed',
      claimed: 'waits for its input or the queue',
      requested: 'in the queue',
      ending: 'the worklist is being told',
      COMPLETED: 'completed',
      CANCELED: 'canceled',
      lost: 'taken away',
    },
  },

  outgoing: {
    title: 'Sent to other systems',
    again: 'Send again what failed',
    columns: { exit: 'To', change: 'What', volume: 'Volume', state: 'State', at: 'When' },
    changes: {
      finished: 'result',
      reissued: 'made anew',
      corrected: 'corrected by a reader',
      withdrawn: 'withdrawn',
    },
    nothingFound: 'nothing found',
    waits: (tries: number) => (tries === 0 ? 'waits' : `waits, tried ${tries} times`),
    sent: 'sent',
    failed: (tries: number) => `failed, tried ${tries} times`,
    overtaken: 'not sent',
    next: (time: string) => `next try ${time}`,
  },

  review: {
    title: 'Review',
    none: 'Not reviewed yet',
    accepted: 'Accepted',
    rejected: 'Rejected',
    by: (name: string, time: string) => `by ${name}, ${time}`,
    reason: 'Reason (optional)',
    accept: 'Accept',
    reject: 'Reject',
    note: 'Reviews stay with this node.',
    noteExits: 'Other systems that the result was sent to hear of a rejection.',
    noteArchive: 'A rejection also stores a rejection note in the archive.',
  },

  images: {
    title: 'Images',
    needsScript: 'To show images this page needs JavaScript.',
    loading: 'Images are being fetched from the archive …',
    failed: 'The images cannot be shown:',
    views: { axial: 'Axial', coronal: 'Coronal', sagittal: 'Sagittal' },
    slice: (plane: number, count: number) => `${plane} / ${count}`,
    sliceLabel: (view: string) => `${view}: slice`,
    window: 'Window',
    outline: 'Outline',
    lines: 'Crossing lines',
    organ: 'Go to the pancreas',
    inside: (first: number, last: number) => `pancreas on ${first} to ${last}`,
    hint:
      'Wheel or arrow keys: slice. Page up and down: ten slices. Drag: window. Click: the other ' +
      'views follow. O: outline. W: next window. P: pancreas.',
    windowText: (width: string, center: string) => `W ${width} L ${center}`,
  },

  patient: {
    title: 'Patient',
    heading: 'Pancreas volume over time',
    chart: 'Chart of the pancreas volume over time; the table below holds the same numbers',
    axis: 'ml',
    studies: 'Volumes',
    warning: (people: number) =>
      `Studies under this PatientID are not proven to be of one person: they may be of ${people} people. ` +
      'No line joins them, and reports compare nothing across them.',
    person: (number: number) => `Person ${number}`,
    columns: {
      date: 'Study date',
      images: 'Images',
      volume: 'Volume (ml)',
      interval: 'Interval (ml)',
      previous: 'Since previous',
      first: 'Since first',
      perYear: 'Per year',
      review: 'Review',
      model: 'Model',
      remarks: 'Remarks',
    },
    band: (images: string, percent: number) =>
      `Shaded band, ${images}: within ${percent} % of the first volume, a change cannot be told from ` +
      'repeated measurement.',
    within: 'within repeatability',
    beyond: 'beyond repeatability',
    noBand: 'Repeatability is not configured for these images, so changes are not judged.',
    apart: {
      withdrawn: 'withdrawn',
      rejected: 'rejected by a reader',
      'nothing found': 'nothing found',
      'no date': 'no study date',
    },
    apartLegend: 'not joined',
    historyAlone: 'in the history alone',
    replaced: 'measured again by the model in use',
    earlier: (taken: number, leftOut: number) =>
      `Earlier studies: the archive was asked, ${taken} are measured or on their way` +
      (leftOut === 0 ? '.' : `, ${leftOut} left out:`),
    downloadCsv: 'Download CSV',
    downloadJson: 'Download JSON',
    noVolumes: 'No volume has been measured yet.',
    needsScript: 'The chart needs JavaScript; the table holds the same numbers.',
    reference:
      'Grey band: mean 72.4 ml, ± 2 SD of 25.8 ml, in adults of 20 to 60 years, both sexes, CT (Saisho ' +
      'et al., Clin Anat 2007;20:933-942). Other scanners, models and populations differ.',
    explain:
      'A line joins volumes of the same kind of images and the same model. Bars show the interval of ' +
      'each volume. Select a point to open its study.',
  },

  qualityPage: {
    title: 'Quality by month',
    month: 'Month',
    show: 'Show',
    previous: 'Month before',
    next: 'Month after',
    results: 'Results by scanner and model',
    refusals: 'Studies without a result',
    noResults: 'No result was made in this month.',
    noRefusals: 'Every study that ended in this month has a result.',
    unknownScanner: 'unknown scanner',
    columns: {
      scanner: 'Scanner',
      images: 'Images',
      model: 'Model',
      results: 'Results',
      median: 'Median (ml)',
      quartiles: 'Quartiles (ml)',
      nothingFound: 'Nothing found',
      flags: 'Flags',
      corrected: 'Corrected',
      accepted: 'Accepted',
      rejected: 'Rejected',
      withdrawn: 'Withdrawn',
      state: 'State',
      reason: 'Reason',
      studies: 'Studies',
    },
    explain:
      'By the month in which a result was made. A median that moves, or flags and rejections that grow ' +
      'on one scanner, are a reason to look at its images.',
  },

  notFound: { title: 'Not found', text: 'There is nothing at this address.', home: 'All studies' },

  progress: ({ stage, fraction, secondsLeft }: StageProgress): string =>
    withTimeLeft(fraction === undefined ? stage : `${stage} ${Math.round(100 * fraction)} %`, secondsLeft),
} as const;

interface StageProgress {
  readonly stage: string;
  /** From 0 to 1. */
  readonly fraction?: number | undefined;
  readonly secondsLeft?: number | undefined;
}
