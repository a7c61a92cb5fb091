import { Router } from 'express';
import type { ApiParts } from './api-parts.ts';
import { cohortOperations } from './cohort.ts';
import { eventOperations } from './events.ts';
import { failedOperations } from './failed.ts';
import { modelOperations } from './models.ts';
import { openApiDocument } from './openapi.ts';
import { type Operation, routerOf } from './operation.ts';
import { patientOperations } from './patients.ts';
import { resultOperations } from './results.ts';
import { studyOperations } from './studies.ts';
import { studyFileOperations } from './study-files.ts';

/** Everything at /api but what others are told there (/api/notify). */
export function apiRoutes(parts: ApiParts): Router {
  const operations = apiOperations(parts);
  const document = openApiDocument(operations, { version: parts.pages.version, basePath: parts.basePath });
  const router = Router();
  // What changes, and what names patients, is kept by nobody; operations that allow it say so.
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.use(routerOf(operations));
  router.get('/openapi.json', (_request, response) => void response.json(document));
  return router;
}

const apiOperations = (parts: ApiParts): Operation[] => [
  ...studyOperations(parts),
  ...studyFileOperations(parts),
  ...failedOperations(parts),
  ...patientOperations(parts),
  ...cohortOperations(parts),
  ...resultOperations(parts),
  ...eventOperations(parts),
  ...modelOperations(parts),
];
