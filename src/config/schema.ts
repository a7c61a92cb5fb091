import path from 'node:path';
import { z } from 'zod';
import { routingSchema } from '../arrivals/routing/rules.ts';
import { MODES } from '../inference-mode.ts';
import { rulesSchema } from '../pipeline/selection/rules.ts';
import { referencesOf } from '../results/reference-models.ts';
import { databaseSchema } from './database.ts';
import { dimseArchiveSchema, dimseProblems } from './dimse-archive.ts';
import { exchangeSchema, hasPdfToSend } from './exchange.ts';
import { authSchema, httpSchema, isListeningGuarded, isProxyGuarded } from './http.ts';
import { intakeSchema } from './intake.ts';
import { auditSchema, logSchema } from './log.ts';
import { notificationsSchema } from './notifications.ts';
import { healthSchema, metricsSchema, retentionSchema, shutdownSchema, siteSchema } from './operation.ts';
import { ordersSchema } from './orders.ts';
import { pagesSchema } from './pages.ts';
import { isModeSettled, priorsSchema } from './priors.ts';
import { queueSchema } from './queue.ts';
import { hasWholeCertificate, serverAccess } from './server-access.ts';

const archiveSchema = z
  .strictObject({
    kind: z.enum(['embedded', 'dicomweb', 'orthanc', 'dimse']),
    ...serverAccess,
    rest: z.url({ protocol: /^https?$/ }).nullable(),
    dimse: dimseArchiveSchema,
    folder: z.string().min(1),
  })
  .superRefine((section, context) => {
    for (const problem of dimseProblems(section)) context.addIssue({ code: 'custom', ...problem });
  })
  .refine(({ kind, url }) => kind === 'embedded' || kind === 'dimse' || url !== null, {
    path: ['url'],
    error: 'is needed where archive.kind is dicomweb or orthanc',
  })
  .refine(({ kind, url }) => kind !== 'embedded' || url === null, {
    path: ['kind'],
    error: 'is embedded, which has no use for archive.url: say orthanc or dicomweb, or leave the URL out',
  })
  .refine(({ kind, url, rest }) => kind !== 'orthanc' || rest !== null || /\/dicom-web\/?$/.test(url ?? ''), {
    path: ['rest'],
    error: "is needed where archive.url does not end in /dicom-web: the root of Orthanc's own REST interface",
  })
  .refine(hasWholeCertificate, {
    path: ['clientCertificate'],
    error: 'goes together with archive.clientKey: name both, or neither',
  });

const modelName = z.string().min(1).nullable();
const modelNames = { CT: modelName, T1W: modelName, T2W: modelName };

const referenceOf = (modality: 'CT' | 'MR') => z.enum(referencesOf(modality)).nullable();

const percentage = z.number().positive().nullable();

const segmentationForm = z.enum(['binary', 'fractional', 'labelmap']);

/** Keys whose value may be `file:PATH`, and is never printed. */
export const SECRET_KEYS = [
  'archive.password',
  'archive.token',
  'archive.proxy',
  'database.url',
  'exchange.fhir.password',
  'exchange.fhir.token',
  'exchange.fhir.proxy',
  'log.key',
  'notifications.webhook.secret',
  'notifications.email.smtp',
  'orders.worklist.password',
  'orders.worklist.token',
  'orders.worklist.proxy',
  'site.trackingSecret',
] as const;

/** Keys whose value is a file or a folder: relative ones start at `dataFolder`. */
export const PATH_KEYS = [
  'archive.ca',
  'archive.clientCertificate',
  'archive.clientKey',
  'archive.folder',
  'audit.folder',
  'auth.tokensFile',
  'database.folder',
  'exchange.fhir.ca',
  'exchange.fhir.clientCertificate',
  'exchange.fhir.clientKey',
  'exchange.hl7.ca',
  'exchange.hl7.clientCertificate',
  'exchange.hl7.clientKey',
  'http.tls.certificate',
  'http.tls.clientCa',
  'http.tls.key',
  'intake.spoolFolder',
  'log.file',
  'models.folder',
  'orders.worklist.ca',
  'orders.worklist.clientCertificate',
  'orders.worklist.clientKey',
  'selection.rules',
] as const;

const absolutePath = z.string().refine((folder) => path.isAbsolute(folder), 'must be an absolute path');

export const configSchema = z
  .strictObject({
    dataFolder: absolutePath.nullable(),
    archive: archiveSchema,
    watch: z.strictObject({
      schedule: z.string().min(1),
      lookBack: z.union([z.int().nonnegative(), z.literal('all')]),
      stableForSeconds: z.number().nonnegative(),
      pageSize: z.int().positive(),
    }),
    routing: routingSchema,
    selection: z.strictObject({
      rules: z.string().min(1).nullable(),
      siteRules: rulesSchema,
      looks: z.int().nonnegative(),
    }),
    models: z.strictObject({
      folder: z.string().min(1),
      ...modelNames,
      candidates: z.strictObject(modelNames),
    }),
    inference: z.strictObject({
      mode: z.enum(['auto', ...MODES]),
      threads: z.int().nonnegative(),
      executionProviders: z.array(z.enum(['webgpu', 'cuda', 'coreml', 'dml', 'cpu'])).min(1),
    }),
    intake: intakeSchema,
    queue: queueSchema,
    database: databaseSchema,
    http: httpSchema,
    auth: authSchema,
    audit: auditSchema,
    notifications: notificationsSchema,
    orders: ordersSchema,
    exchange: exchangeSchema,
    patients: z.strictObject({ placeholderIds: z.array(z.string().min(1)) }),
    priors: priorsSchema,
    pages: pagesSchema,
    results: z.strictObject({
      contentQualification: z.enum(['RESEARCH', 'SERVICE', 'PRODUCT']),
      segmentation: z.union([segmentationForm, z.array(segmentationForm).min(1)]),
      reportOutlines: z.boolean(),
      reportClass: z.enum(['comprehensive', 'comprehensive3d']),
      nothingFound: z.enum(['measurements', 'words']),
      reportTemplates: z.enum(['conservative', 'current']),
      volumeUnit: z.enum(['ml', 'cm3']),
      keyImages: z.boolean(),
      pdf: z.boolean(),
      counts: z.enum(['reader', 'node']),
      reference: z.strictObject({ CT: referenceOf('CT'), MR: referenceOf('MR') }),
      perBodySize: z.boolean(),
      repeatabilityPercent: z.strictObject({ CT: percentage, T1W: percentage, T2W: percentage }),
    }),
    site: siteSchema,
    health: healthSchema,
    metrics: metricsSchema,
    retention: retentionSchema,
    shutdown: shutdownSchema,
    log: logSchema,
  })
  .refine(isListeningGuarded, {
    path: ['http', 'host'],
    error:
      'must be a loopback address (127.0.0.1, ::1, localhost), or authentication must be configured: ' +
      'auth.tokensFile or auth.oidc',
  })
  .refine(hasPdfToSend, {
    path: ['results', 'pdf'],
    error: 'must be true where exchange.fhir.pdf or exchange.hl7.pdf is: the summary page is made with it',
  })
  .refine(isModeSettled, {
    path: ['priors', 'mode'],
    error:
      'with priors.results: archive, a mode for earlier studies needs one of the node: name ' +
      'inference.mode, as auto is the mode of the latest result',
  })
  .refine(isProxyGuarded, {
    path: ['http'],
    error:
      'basePath, hosts and trustedProxies are for a node behind a proxy, which lets everybody in: ' +
      'authentication must be configured (auth.tokensFile or auth.oidc), or these taken away',
  });

export type Config = z.infer<typeof configSchema>;
