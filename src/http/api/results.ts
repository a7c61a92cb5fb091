import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Request, urlencoded } from 'express';
import { z } from 'zod';
import { DicomError } from '../../dicom/dicom-error.ts';
import { VIEW_NAMES } from '../../pictures/views.ts';
import { announceResult } from '../../store/exchange/announce-result.ts';
import { type ReviewedVolume, withReviews } from '../../store/records/find-studies.ts';
import { findVolume } from '../../store/records/history.ts';
import { REVIEW_DECISIONS, recordReview } from '../../store/records/reviews.ts';
import { HttpError } from '../http-error.ts';
import { ImagesBusyError } from '../images/image-cache.ts';
import { describeImages, sliceBytes } from '../images/slices.ts';
import { principalName } from '../security/principal.ts';
import { imageAnswer, reviewAnswer } from './answers.ts';
import type { ApiParts } from './api-parts.ts';
import { type Operation, uidSchema } from './operation.ts';
import { backTo, sentByForm } from './studies.ts';

const compressed = promisify(gzip);
/** A slice is looked at once: what matters is that it comes soon. */
const FASTEST = { level: 1 } as const;
/**
 * Images of a result never change: its UIDs would. An hour spares a reader who goes back and forth the wait.
 */
const CACHED = 'private, max-age=3600';

const MAX_REASON = 500;
const MAX_BODY = '10kb';
const reviewBody = z.object({
  decision: z.enum(REVIEW_DECISIONS),
  reason: z
    .string()
    .trim()
    .max(MAX_REASON)
    .refine((text) => !text.includes('\0'), { error: 'holds a NUL' })
    .default(''),
});
const sliceParams = z.object({
  view: z.enum(VIEW_NAMES),
  plane: z.coerce.number().int().min(0),
});

/** Results are named by the SOP Instance UID of their report. */
export function resultOperations(parts: ApiParts): Operation[] {
  const { images, instance, database, now, withdraw, basePath } = parts;
  const download = (what: 'report' | 'seg', summary: string): Operation => ({
    method: 'get',
    path: `/results/{uid}/${what}`,
    summary,
    answer: { status: 200, description: 'DICOM Part 10', type: 'application/dicom' },
    errors: ['NOT_FOUND', 'UNAVAILABLE'],
    handle: async (request, response) => {
      const result = stored(await resultOf(request, parts));
      const at = result[what];
      if (!at) throw new HttpError('NOT_FOUND', 'nothing was found, so there is no SEG');
      const bytes = await fromArchive(() => instance(result.studyInstanceUid, at));
      response
        .attachment(`${what}-${at.sopInstanceUid}.dcm`)
        .type('application/dicom')
        .send(Buffer.from(bytes));
    },
  });
  return [
    download('seg', 'The SEG of a result, from the archive'),
    download('report', 'The report (SR) of a result, from the archive'),
    {
      method: 'get',
      path: '/results/{uid}/images',
      summary: 'What is needed to show the images of a result; fetches them from the archive',
      answer: { status: 200, description: 'views, windows and scale', schema: imageAnswer },
      errors: ['NOT_FOUND', 'UNAVAILABLE'],
      handle: async (request, response) => {
        const result = stored(await resultOf(request, parts));
        const loaded = await fromArchive(() => images(result));
        response.json(describeImages(loaded));
      },
    },
    {
      method: 'get',
      path: '/results/{uid}/images/{view}/{plane}',
      summary:
        'One plane of the images: stored values (16 bit, little endian), then the mask (1 bit per pixel)',
      answer: { status: 200, description: 'both row by row', type: 'application/octet-stream' },
      errors: ['NOT_FOUND', 'UNAVAILABLE'],
      handle: async (request, response) => {
        const { view, plane } = sliceParams.parse(request.params);
        const result = stored(await resultOf(request, parts));
        const bytes = sliceBytes(await fromArchive(() => images(result)), view, plane);
        if (!bytes) throw new HttpError('NOT_FOUND', 'there is no such plane');
        response.set('Cache-Control', CACHED).type('application/octet-stream');
        if (request.acceptsEncodings('gzip')) {
          response.set('Content-Encoding', 'gzip').send(await compressed(bytes, FASTEST));
        } else {
          response.send(bytes);
        }
      },
    },
    {
      method: 'post',
      path: '/results/{uid}/review',
      summary: 'Accept or reject a result',
      body: reviewBody,
      answer: { status: 201, description: 'the review, which counts until the next', schema: reviewAnswer },
      errors: ['NOT_FOUND', 'UNAVAILABLE'],
      handle: [
        urlencoded({ extended: false, limit: MAX_BODY }),
        async (request, response) => {
          const { decision, reason } = reviewBody.parse(request.body ?? {});
          const result = await resultOf(request, parts);
          const review = { decision, reason, reviewer: principalName(response), reviewedAt: now() };
          await database.transaction(async (sql) => {
            await recordReview(sql, result.report.sopInstanceUid, review);
            if (!result.historyAlone) await announceResult(sql, result.report.sopInstanceUid, now());
          });
          // What is in the history alone cannot be withdrawn from the archive.
          if (decision === 'rejected' && !result.historyAlone)
            await fromArchive(async () => withdraw?.(result, reason));
          if (sentByForm(request)) {
            backTo(
              response,
              `${basePath}/studies/${result.studyInstanceUid}?result=${result.report.sopInstanceUid}`,
            );
          } else response.status(201).json({ review });
        },
      ],
    },
  ];
}

async function resultOf(request: Request, { database }: ApiParts): Promise<ReviewedVolume> {
  const uid = uidSchema.parse(request.params['uid']);
  const volume = await findVolume(database, uid);
  const [result] = volume?.report.sopInstanceUid === uid ? await withReviews(database, [volume]) : [];
  if (!result) throw new HttpError('NOT_FOUND', 'no result has a report with this SOP Instance UID');
  return result;
}

/** @throws HttpError for a result of which the archive has nothing */
function stored(result: ReviewedVolume): ReviewedVolume {
  if (!result.historyAlone) return result;
  throw new HttpError('NOT_FOUND', 'this result is in the history alone: the archive has nothing of it');
}

/** What the archive cannot give is no fault of the request, nor of the program. */
export async function fromArchive<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DicomError || cause instanceof ImagesBusyError) {
      throw new HttpError('UNAVAILABLE', cause.message, { cause });
    }
    throw cause;
  }
}
