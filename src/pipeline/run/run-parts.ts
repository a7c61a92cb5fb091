import type { SeriesVolume } from '../../dicom/geometry/series-volume.ts';
import type { ImageArchive } from '../../dicom/image-archive.ts';
import type { Mode } from '../../inference-mode.ts';
import type { SiteIdentity } from '../../results/device.ts';
import type { MeaningSettings } from '../../results/meaning.ts';
import type { ContentQualification, ImageClass, SegmentationForm } from '../../results/result-context.ts';
import type { ResultFormat } from '../../results/result-format.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import type { InferenceOptions } from '../../segmentation/segment.ts';
import type { ReportForm } from '../../sr/report-form.ts';
import type { Database } from '../../store/database/sql.ts';
import type { PatientIdentity } from '../../store/records/patient-key.ts';
import type { RecordHeader } from '../../store/records/study-header.ts';
import type { IdentityReader } from '../../store/records/study-identity.ts';
import type { MeasuredVolume, ModelIdentity } from '../../store/records/volume-record.ts';
import type { SegmentedClass, SelectionRules } from '../selection/rules.ts';
import type { StageLimits } from './stage-limits.ts';
import type { ProgressListener, StageEndListener } from './stages.ts';

/** What the main path needs; `compose.ts` builds it. */
export interface RunParts {
  readonly archive: ImageArchive;
  readonly database: Database;
  readonly rules: SelectionRules;
  readonly models: Models;
  readonly patientKey: (patient: PatientIdentity) => string;
  /** Of a patient's pancreas; see `ResultContext.trackingUid`. Left out: those of format 3. */
  readonly trackingUid?: (patient: PatientIdentity) => Promise<string | undefined>;
  readonly identities: IdentityReader;
  /** Keeps what the pages show of a study; a command without pages has none. */
  readonly recordHeader?: RecordHeader;
  readonly settings: ResultSettings;
  readonly inference: InferenceOptions;
  readonly mode: Mode;
  /** See `rivalsOf`. */
  readonly looks: number;
  readonly now: () => Date;
  readonly warn: (fields: object, message: string) => void;
  readonly onProgress?: ProgressListener;
  readonly onStageEnd?: StageEndListener;
  /** The last moment at which a run may be called off: what it throws ends the run, and nothing is stored. */
  readonly beforeStoring?: (studyInstanceUid: string) => Promise<void>;
  /** Told of each result that stands, with the images that it was made of: the last that is done for it. */
  readonly recorded?: (result: MeasuredVolume, images: SeriesVolume) => Promise<void>;
  readonly stageLimits?: StageLimits;
  /**
   * Results stay in the history: nothing is stored in the archive, and the study is not dealt with by that.
   */
  readonly historyAlone?: boolean;
  /** Where several studies are worked on in one process. */
  readonly turn?: Turn;
}

/** How the work on a study fits in with that on others. */
interface Turn {
  /** Before networks and results: others may be at theirs. */
  readonly begin: () => Promise<void>;
  /** The last network that the study needs is about to run. */
  readonly beginsLast: () => void;
}

/** Which pictures go to the archive beside SEG and report. */
export interface PictureSettings {
  readonly keyImages: boolean;
  readonly pdf: boolean;
}

export interface ResultSettings {
  /** Left out: the present one. An earlier one is for sites whose results are to be made as they were. */
  readonly resultFormat?: ResultFormat;
  /** See `SiteIdentity`. */
  readonly site?: SiteIdentity;
  /** See `ReportForm`. */
  readonly reportForm?: Partial<ReportForm>;
  readonly pictures: PictureSettings;
  readonly contentQualification: ContentQualification;
  readonly softwareVersion: string;
  /** In which forms the SEG is written; the report refers to the first. */
  readonly segmentation: readonly SegmentationForm[];
  /** See `ReportInput.outlines`. */
  readonly reportOutlines: boolean;
  /** Whether a reader's correction, where there is one, is what later volumes are compared with. */
  readonly correctedCounts: boolean;
  /** Left out: nothing is said of what a volume means. */
  readonly meaning?: MeaningSettings;
  /** See `ReportInput.repeatabilityPercent`; null where the site has stated none. */
  readonly repeatabilityPercent: Readonly<Record<ImageClass, number | null>>;
}

/** The model of each class. */
export interface Models {
  /** Whether the configuration names a model for the class. */
  has(seriesClass: SegmentedClass): boolean;
  /** @throws SegmentationError where it cannot be used */
  load(seriesClass: SegmentedClass): Promise<Model>;
  /** The very model that made a result; undefined where it is not there any more. */
  former?(seriesClass: SegmentedClass, identity: ModelIdentity): Promise<Model | undefined>;
}
