/** A coded value of an audit message (PS3.15 A.5.1.1). */
export interface AuditCode {
  readonly code: string;
  readonly scheme: 'DCM' | 'RFC-3881';
  readonly meaning: string;
}

const dcm = (code: string, meaning: string): AuditCode => ({ code, scheme: 'DCM', meaning });

/** What happened: CID 400 Audit Event ID. */
export const AUDIT_EVENTS = {
  applicationActivity: dcm('110100', 'Application Activity'),
  auditLogUsed: dcm('110101', 'Audit Log Used'),
  instancesAccessed: dcm('110103', 'DICOM Instances Accessed'),
  instancesTransferred: dcm('110104', 'DICOM Instances Transferred'),
  export: dcm('110106', 'Export'),
  patientRecord: dcm('110110', 'Patient Record'),
  procedureRecord: dcm('110111', 'Procedure Record'),
  query: dcm('110112', 'Query'),
  securityAlert: dcm('110113', 'Security Alert'),
  userAuthentication: dcm('110114', 'User Authentication'),
} as const;
export type AuditEventName = keyof typeof AUDIT_EVENTS;

/** Of what kind: CID 401 Audit Event Type Code. */
export const AUDIT_EVENT_TYPES = {
  applicationStart: dcm('110120', 'Application Start'),
  applicationStop: dcm('110121', 'Application Stop'),
  login: dcm('110122', 'Login'),
  logout: dcm('110123', 'Logout'),
  softwareConfiguration: dcm('110131', 'Software Configuration'),
  restrictedFunction: dcm('110132', 'Use of Restricted Function'),
  auditRecordingStarted: dcm('110134', 'Audit Recording Started'),
} as const;
export type AuditEventType = keyof typeof AUDIT_EVENT_TYPES;

/** What part somebody had in it: CID 402 Audit Active Participant Role ID Code. */
export const AUDIT_ROLES = {
  application: dcm('110150', 'Application'),
  destination: dcm('110152', 'Destination Role ID'),
  source: dcm('110153', 'Source Role ID'),
} as const;
export type AuditRole = keyof typeof AUDIT_ROLES;

/** What it was done to: CID 404 Audit Participant Object ID Type Code, and RFC 3881 section 5.5.2. */
export const AUDIT_OBJECT_TYPES = {
  patient: { code: '2', scheme: 'RFC-3881', meaning: 'Patient Number' },
  study: dcm('110180', 'Study Instance UID'),
  address: { code: '12', scheme: 'RFC-3881', meaning: 'URI' },
} as const satisfies Readonly<Record<string, AuditCode>>;
export type AuditObjectKind = keyof typeof AUDIT_OBJECT_TYPES;
