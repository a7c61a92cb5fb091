import { z } from 'zod';
import { MODES } from '../../inference-mode.ts';
import { APART_REASONS } from '../../results/apart-reason.ts';
import { decisionDetails } from '../../store/records/decision-details.ts';
import { REVIEW_DECISIONS } from '../../store/records/reviews.ts';
import { STUDY_STATES } from '../../store/records/study-log.ts';

/** The forms of the API's answers: what the OpenAPI document states, and a test holds them to. */

const time = z.iso.datetime().describe('UTC');

const reference = z.object({ seriesInstanceUid: z.string(), sopInstanceUid: z.string() });

const interval = z.object({ low: z.number(), high: z.number() }).describe('ml');

const review = z.object({
  decision: z.enum(REVIEW_DECISIONS),
  reason: z.string(),
  reviewer: z.string(),
  reviewedAt: time,
});

const volumeAnswer = z.object({
  patientKey: z.string(),
  studyInstanceUid: z.string(),
  studyDate: z.string().describe('DA, or empty'),
  studyTime: z.string().describe('TM, or empty'),
  seriesInstanceUid: z.string(),
  part: z.string(),
  class: z.string().describe('CT, T1W or T2W'),
  model: z.object({
    name: z.string(),
    version: z.string(),
    sha256: z.string(),
    mode: z.enum(MODES),
  }),
  volumeMl: z.number(),
  voxelCount: z.int(),
  intervalMl: interval.nullable(),
  flags: z.array(z.string()),
  seg: reference.nullable().describe('null where nothing was found, and where historyAlone'),
  report: reference.nullable().describe('null where historyAlone'),
  historyAlone: z.literal(true).optional().describe('the node keeps it, and the archive has nothing of it'),
  id: z.string().optional().describe('what /results names it by, where historyAlone'),
  supersedes: z.string().nullable(),
  contentDateTime: time,
  correction: z
    .object({
      volumeMl: z.number(),
      voxelCount: z.int(),
      seg: reference,
      report: reference,
      supersedes: z.string(),
      contentDateTime: time,
    })
    .nullable()
    .describe("a reader's own segmentation, measured by the node"),
  withdrawn: z.object({ reason: z.string(), note: z.string(), at: time }).nullable(),
  review: review.nullable(),
});

export const studyAnswer = z.object({
  study: z.object({
    studyInstanceUid: z.string(),
    state: z.enum(STUDY_STATES),
    reason: z.string().optional(),
    errorCode: z.string().optional(),
    firstSeenAt: time,
    changedAt: time,
  }),
  header: z
    .object({
      patientKey: z.string(),
      patientName: z.string().optional(),
      patientId: z.string().optional(),
      issuer: z.string().optional(),
      birthDate: z.string().optional().describe('DA'),
      sex: z.string().optional(),
      studyDate: z.string(),
      studyTime: z.string(),
      description: z.string(),
      accessionNumber: z.string().optional(),
      scanner: z.string(),
      weightKg: z.number().optional().describe('PatientWeight, where it is plausible'),
      sizeM: z.number().optional().describe('PatientSize, m, where it is plausible'),
    })
    .optional(),
  progress: z
    .object({
      studyInstanceUid: z.string(),
      stage: z.string(),
      subject: z.string(),
      fraction: z.number().optional(),
      secondsLeft: z.number().optional().describe('of the stage'),
      updatedAt: time,
    })
    .optional(),
  decisions: z.array(
    z.object({
      seriesInstanceUid: z.string(),
      description: z.string(),
      class: z.string(),
      chosen: z.boolean(),
      reason: z.string(),
      ...decisionDetails.shape,
    }),
  ),
  volumes: z.array(volumeAnswer),
});

export const studiesAnswer = z.object({
  studies: z.array(studyAnswer),
  total: z.int(),
  states: z.record(z.enum(STUDY_STATES), z.int()),
  atLeast: z
    .array(z.enum(['total', ...STUDY_STATES]))
    .describe('which of these numbers are least ones: there are so many or more'),
  next: z.string().optional().describe('where the next page begins, for `after`; absent on the last'),
});

const change = z.object({
  ml: z.number(),
  percent: z.number().optional(),
  mlPerYear: z.number().optional(),
  percentPerYear: z.number().optional(),
  exceedsRepeatability: z.boolean().optional(),
});

export const patientAnswer = z.object({
  patientKey: z.string(),
  volumes: z.array(volumeAnswer),
  trends: z
    .array(
      z.object({
        class: z.string(),
        model: volumeAnswer.shape.model,
        person: z.int(),
        repeatabilityPercent: z.number().optional(),
        replaced: z.literal(true).optional().describe('the model in use has measured all of it again'),
        points: z.array(
          z.object({
            report: z.string().nullable().describe('null where it is in the history alone'),
            id: z.string().optional().describe('what /results names it by, where there is no report'),
            studyInstanceUid: z.string(),
            date: z.string().optional().describe('ISO 8601'),
            ml: z.number(),
            corrected: z.boolean(),
            apart: z.enum(['withdrawn', 'rejected', 'nothing found', 'no date']).optional(),
            sincePrevious: change.optional(),
            sinceFirst: change.optional(),
          }),
        ),
      }),
    )
    .describe('points that may be compared: one person, one kind of images, one model'),
  people: z.int().describe('more than one: studies under this PatientID are not proven to be of one person'),
  notCompared: z
    .array(z.object({ studyInstanceUid: z.string(), reason: z.enum(APART_REASONS), meaning: z.string() }))
    .describe('studies that are not compared with all others here, and why'),
});

export const failedAnswer = z.object({
  failed: z.array(
    z.object({
      studyInstanceUid: z.string(),
      code: z.string(),
      reason: z.string(),
      failedAt: time,
      tries: z.int(),
    }),
  ),
});

export const queuedAnswer = z.object({ status: z.literal('queued') });
export const resentAnswer = z.object({ messages: z.int() });
export const reviewAnswer = z.object({ review });

export const imageAnswer = z.object({
  slope: z.number(),
  intercept: z.number().describe('value = stored * slope + intercept'),
  windows: z.array(z.object({ label: z.string(), low: z.number(), high: z.number() })),
  views: z.array(
    z.object({
      name: z.enum(['axial', 'coronal', 'sagittal']),
      width: z.int(),
      height: z.int(),
      count: z.int(),
      start: z.int(),
      mmPerColumn: z.number(),
      mmPerRow: z.number(),
      letters: z.object({ left: z.string(), right: z.string(), top: z.string(), bottom: z.string() }),
      columnAxis: z.int(),
      columnReversed: z.boolean(),
      rowAxis: z.int(),
      rowReversed: z.boolean(),
      planeAxis: z.int(),
      organ: z.object({ first: z.int(), last: z.int() }).nullable(),
    }),
  ),
});

export const errorAnswerSchema = z.object({ code: z.string(), message: z.string() });
