/** A folder or file right below src: what is in it, and what it may import beside itself. */
export interface Room {
  readonly what: string;
  /** Rooms, or single files of them. `*` is everything. */
  readonly mayImport: readonly string[];
}

/**
 * Every room of src, from the doors down to what stands alone. The layout table of CONTRIBUTING.md is written
 * from this.
 */
export const ROOMS: Readonly<Record<string, Room>> = {
  'cli.ts': { what: 'runs the list of commands', mayImport: ['*'] },
  commands: {
    what: 'one file per command, listed in `all.ts` (a new one is a file and a line there), and what they share',
    mayImport: ['*'],
  },
  'compose.ts': { what: 'starts the node', mayImport: ['*'] },
  compose: { what: 'the only place that builds the parts and hands them to each other', mayImport: ['*'] },
  'config.ts': { what: 'the only reader of the environment', mayImport: ['config'] },
  config: {
    what: 'the form of the configuration',
    mayImport: ['pipeline/selection/rules.ts', 'arrivals/routing/rules.ts', 'results/reference-models.ts'],
  },
  pipeline: {
    what:
      'the main path (`run-study.ts`) and what it alone needs; which series, and why; ' +
      'rebuild, withdrawal, corrections',
    mayImport: ['dicom', 'segmentation', 'results', 'seg', 'sr', 'pictures', 'store'],
  },
  'segment-input': {
    what: 'one series from files, without a service',
    mayImport: ['dicom', 'nifti', 'segmentation', 'results', 'pipeline'],
  },
  evaluation: {
    what: 'predictions against labels, without a service: metrics, statistics, the page',
    mayImport: [
      'dicom',
      'nifti',
      'segmentation',
      'seg',
      'pictures',
      'store',
      'segment-input/read-folder.ts',
      'segment-input/file-source.ts',
      'http/html.ts',
    ],
  },
  candidates: {
    what: 'candidates beside the models in use: the arithmetic, the page',
    mayImport: [
      'store',
      'evaluation/statistics/bland-altman.ts',
      'evaluation/statistics/describe.ts',
      'evaluation/page/plots.ts',
      'http/html.ts',
      'http/pages/format.ts',
    ],
  },
  arrivals: {
    what: 'everything about what comes in: watching, routing, the spool, C-STORE',
    mayImport: [
      'dicom',
      'implementation.ts',
      'results/apart-reason.ts',
      'store',
      'queue',
      'pipeline/failures.ts',
    ],
  },
  queue: { what: 'the jobs', mayImport: ['store', 'pipeline/failures.ts'] },
  store: {
    what: 'the database: studies, runs, volumes, events',
    mayImport: ['dicom', 'results'],
  },
  results: {
    what:
      'what all objects that the node writes share: context, identity, UIDs, codes; ' +
      'its own results recognized',
    mayImport: ['dicom', 'implementation.ts'],
  },
  seg: { what: 'the segmentation, written and read', mayImport: ['dicom', 'results'] },
  sr: { what: 'the structured report, written and read', mayImport: ['dicom', 'results'] },
  pictures: { what: 'key images and the PDF', mayImport: ['dicom', 'results'] },
  segmentation: {
    what: "PanSegNet at work: model folders, nnU-Net's preprocessing, windows and export, measuring",
    mayImport: ['dicom/volume.ts', 'telemetry-off.ts'],
  },
  'model-import': {
    what: 'checkpoints to model folders: pickles, the network in ONNX; the main path never imports it',
    mayImport: ['segmentation'],
  },
  dicom: {
    what: 'what any DICOM program could use: data sets, pixels, volumes, DICOMweb, DIMSE',
    mayImport: ['http-client'],
  },
  'http-client': {
    what: 'HTTP to other systems: one exchange with its limits, proxy, TLS, refusals',
    mayImport: [],
  },
  nifti: { what: 'NIfTI files, read and written', mayImport: ['dicom/volume.ts'] },
  http: {
    what: 'pages, API, STOW-RS, who may do what',
    mayImport: [
      'dicom',
      'nifti',
      'store',
      'pipeline',
      'queue',
      'orders',
      'results',
      'seg',
      'pictures',
      'audit',
      'doctor/advice.ts',
    ],
  },
  orders: {
    what: 'orders: workitems (UPS-RS) of a worklist elsewhere or of the node itself, and their performer',
    mayImport: ['dicom', 'store', 'queue', 'results', 'pipeline/run/stage-names.ts'],
  },
  exchange: {
    what: 'results to other systems: an outbox with FHIR and HL7 exits; webhook and e-mail',
    mayImport: ['dicom', 'store', 'queue', 'results', 'sr', 'http-client'],
  },
  metrics: { what: 'Prometheus metrics, readiness', mayImport: ['dicom', 'store', 'queue', 'pipeline'] },
  doctor: {
    what: 'what keeps a node from working',
    mayImport: ['dicom', 'http-client', 'store', 'segmentation'],
  },
  audit: { what: 'the audit log', mayImport: [] },
  logging: { what: 'the log without patient data', mayImport: [] },
  archive: { what: 'the embedded archive', mayImport: ['dicom'] },
  demo: {
    what: 'the synthetic patients and the demo',
    mayImport: ['dicom', 'segmentation', 'model-import', 'results', 'seg', 'sr', 'store'],
  },
  'coded-error.ts': { what: 'errors with a stable code; every room may import it', mayImport: [] },
  'implementation.ts': { what: 'how the program names itself to other systems', mayImport: ['dicom'] },
  'inference-mode.ts': {
    what: 'how an image is segmented, which is part of what a result is; every room may import it',
    mayImport: [],
  },
  'telemetry-off.ts': { what: 'keeps the inference library from calling its maker', mayImport: [] },
  'time-left.ts': { what: 'how long something takes yet, in words; every room may import it', mayImport: [] },
  'version.ts': { what: "the program's version", mayImport: [] },
  'wasm-code-kept.ts': { what: 'keeps the JavaScript engine from a fault of its own', mayImport: [] },
};

/** What every room may import without a right of its own. */
export const FOR_EVERY_ROOM: readonly string[] = ['coded-error.ts', 'inference-mode.ts', 'time-left.ts'];

/** Where the product's own words have no place: any program could use what is in there. */
export const ROOMS_WITHOUT_PRODUCT: readonly string[] = ['dicom', 'http-client', 'nifti'];
