import type { DeadStudy } from '../../queue/dead-studies.ts';
import type { MeaningSettings } from '../../results/meaning.ts';
import type { Database } from '../../store/database/sql.ts';
import type { StudyEvents } from '../../store/events/study-events.ts';
import type { ReviewedVolume } from '../../store/records/find-studies.ts';
import type { TrendSettings } from '../../store/records/trends.ts';
import type { VolumeRecord } from '../../store/records/volume-record.ts';
import type { Html } from '../html.ts';
import type { LoadedImages } from '../images/load-images.ts';
import type { PatientNaming } from './cohort-columns.ts';
import type { ModelUse } from './model-answers.ts';

/** How one of the parts that the node depends on is. */
export interface HealthItem {
  readonly part: 'archive' | 'queue' | 'models' | 'disk' | 'database';
  /** unknown: it has not answered yet. */
  readonly state: 'good' | 'warning' | 'bad' | 'unknown';
  /** In plain words. */
  readonly text: string;
}

/** How the work goes. */
export interface NodeFigures {
  /** When the archive last answered what is new. */
  readonly lastPoll: Date | undefined;
  /** Studies whose work ended today, well or not. */
  readonly endedToday: number;
  /** That one of them took, in the middle. */
  readonly medianSeconds: number | undefined;
  readonly longestWaitingSeconds: number | undefined;
  /** Estimated; undefined where nothing tells. */
  readonly queueEndsAt: Date | undefined;
  readonly isQueueEmpty: boolean;
}

export interface NodeHealth {
  readonly items: readonly HealthItem[];
  /** When that was found. */
  readonly lookedAt: Date;
  readonly figures: NodeFigures | undefined;
}

/** How often the work on a study was tried. */
export interface StudyTries {
  readonly tries: number;
  /** Undefined where it is not tried again by itself. */
  readonly nextTryAt: Date | undefined;
}

/** What API and pages are made of; compose/pages.ts builds it. */
export interface ApiParts {
  readonly database: Database;
  /** Path that everything is below; empty: the root. */
  readonly basePath: string;
  readonly now: () => Date;
  readonly events: StudyEvents;
  readonly trends: TrendSettings;
  /** Left out: nothing is said of what a volume means. */
  readonly meaning?: MeaningSettings;
  readonly pages: PageSettings;
  /** Puts the study in the queue again. */
  readonly process: (studyInstanceUid: string) => Promise<void>;
  /** Studies that were given up. */
  readonly dead: {
    readonly list: (page: { limit: number; offset: number }) => Promise<readonly DeadStudy[]>;
    /** @returns whether there was one */
    readonly drop: (studyInstanceUid: string) => Promise<boolean>;
  };
  /** The images of a result and its mask, from the archive or from memory. */
  readonly images: (result: VolumeRecord) => Promise<LoadedImages>;
  /** Drops the images of these results from memory, by the SOP Instance UIDs of their reports. */
  readonly forgetImages: (reports: readonly string[]) => void;
  /** One instance of a study, as PS3.10 bytes. */
  readonly instance: (
    studyInstanceUid: string,
    at: { readonly seriesInstanceUid: string; readonly sopInstanceUid: string },
  ) => Promise<Uint8Array>;
  /**
   * Stores a rejection note for a result that a reader rejected; undefined where the archive is to hear
   * nothing of it.
   */
  readonly withdraw: ((result: ReviewedVolume, reason: string) => Promise<void>) | undefined;
  /** What must be said of a model wherever its results are shown. */
  readonly modelNotice: (model: VolumeRecord['model']) => Promise<string | undefined>;
  /** Hashes of the models that measure new studies. */
  readonly modelHashesInUse?: () => Promise<ReadonlySet<string>>;
  readonly modelsInUse: () => Promise<readonly ModelUse[]>;
  /** How candidates do beside the models in use: for programs, and for people. */
  readonly candidates: {
    readonly report: () => Promise<object>;
    readonly page: () => Promise<{ readonly title: string; readonly body: Html }>;
  };
  readonly health: () => Promise<NodeHealth>;
  /** Of studies that wait for another try, or were given up. */
  readonly tries: (studyInstanceUids: readonly string[]) => Promise<ReadonlyMap<string, StudyTries>>;
}

interface PageSettings {
  /** With {studyInstanceUid} in it; null: there is no viewer. */
  readonly viewerUrl: string | null;
  readonly referenceRange: 'none' | 'saisho2007';
  /** How the table of all volumes names patients. */
  readonly cohortPatient: PatientNaming;
  /** Whether results are marked as research. */
  readonly researchOnly: boolean;
  readonly version: string;
}
