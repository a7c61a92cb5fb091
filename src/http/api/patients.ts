import type { Request } from 'express';
import { z } from 'zod';
import { APART_MEANINGS } from '../../results/apart-reason.ts';
import { findPatient, type PatientRecord } from '../../store/records/patient-record.ts';
import { shownVolume } from '../../store/records/shown-volume.ts';
import { comparabilityOf, patientTrends, type TrendPoint } from '../../store/records/trends.ts';
import { volumesAsCsv } from '../../store/records/volumes-csv.ts';
import { HttpError } from '../http-error.ts';
import { patientAnswer } from './answers.ts';
import type { ApiParts } from './api-parts.ts';
import type { Operation } from './operation.ts';

/** See patient-key.ts. */
export const patientKeySchema = z.string().regex(/^[0-9a-f]{32}$/, { error: 'is not a patient key' });

export function patientOperations(parts: ApiParts): Operation[] {
  const json: Omit<Operation, 'path'> = {
    method: 'get',
    summary: 'The volume history of a patient',
    answer: { status: 200, description: 'volumes, oldest study first, and trends', schema: patientAnswer },
    errors: ['NOT_FOUND'],
    handle: async (request, response) => {
      const patient = await patientOf(request, parts);
      const { patientKey, volumes } = patient;
      const inUse = await parts.modelHashesInUse?.();
      const { trends, people, notCompared } = patientTrends(patient, parts.trends, inUse);
      response.json({
        patientKey,
        volumes: volumes.map(shownVolume),
        trends: trends.map((trend) => ({ ...trend, points: trend.points.map(pointAnswer) })),
        people: people.length,
        notCompared: notCompared.map((one) => ({ ...one, meaning: APART_MEANINGS[one.reason] })),
      });
    },
  };
  return [
    { ...json, path: '/patients/{key}/volumes' },
    { ...json, path: '/patients/{key}/volumes.json' },
    {
      ...json,
      path: '/patients/{key}/volumes.csv',
      summary: 'The volumes of a patient as comma-separated values',
      answer: { status: 200, description: 'a line of names, then a line per volume', type: 'text/csv' },
      handle: async (request, response) => {
        const patient = await patientOf(request, parts);
        const { patientKey, volumes } = patient;
        const trends = patientTrends(patient, parts.trends);
        response
          .attachment(`volumes-${patientKey.slice(0, 8)}.csv`)
          .type('csv')
          .send(volumesAsCsv(volumes, comparabilityOf([trends])));
      },
    },
  ];
}

async function patientOf(request: Request, { database }: ApiParts): Promise<PatientRecord> {
  const patient = await findPatient(database, patientKeySchema.parse(request.params['key']));
  if (!patient) throw new HttpError('NOT_FOUND', 'there is no patient with this key');
  return patient;
}

function pointAnswer({ volume, ...point }: TrendPoint): object {
  const { report, historyAlone, studyInstanceUid } = volume;
  const uid = report.sopInstanceUid;
  const named = historyAlone ? { report: null, id: uid } : { report: uid };
  return { ...named, studyInstanceUid, ...point };
}
