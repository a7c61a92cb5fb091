/** Why a failure of a command or of the start matters, and what to do about it. */
export interface Advice {
  readonly why: string;
  readonly todo: string;
}

/** Keys are codes of errors, ours or the system's. */
const ADVICE: Readonly<Record<string, Advice>> = {
  CONFIG: {
    why: 'A wrong key would be ignored, or understood differently than it was meant.',
    todo: 'Correct it; config/default.yaml explains each key, and `config check FILE` tries it.',
  },
  DATABASE_ABSENT: {
    why: 'Whatever this command did in a new, empty database, the node that is meant would not know of it.',
    todo:
      'Name the configuration that the node runs with (--config), in the folder that it runs in; a new ' +
      'node makes its database by `serve`, one whose database is lost by `history rebuild --new`.',
  },
  DATA_OWNER: {
    why: 'What root writes there, the node can neither read nor replace: it would not start again.',
    todo: 'Run this as the user that the node runs as: `runuser -u pansegnet -- pansegnet-node ...`.',
  },
  DATABASE_IN_USE: {
    why: 'Two processes on one embedded database would destroy it.',
    todo:
      'Stop the other process, or name another database.folder; for several processes use a ' +
      'PostgreSQL server (database.url).',
  },
  DATABASE_NEWER: {
    why: 'An older program would lose what the newer one wrote.',
    todo: 'Run the newer version, or restore the backup that was made before the upgrade.',
  },
  DATABASE_UNUSABLE: {
    why: 'The queue and the volume history are in the database.',
    todo:
      'Run doctor: it looks at rights, disk and connection, one by one. A damaged folder comes back from a ' +
      'backup, or by `history rebuild --new` from the archive: docs/operations.md, Backup and restore.',
  },
  EADDRINUSE: {
    why: 'Another program, perhaps another node, listens there.',
    todo: 'Stop it, or set http.port (intake.dimse.port, archive.dimse.listen.port) to a free one.',
  },
  EADDRNOTAVAIL: {
    why: 'The address is none of this machine.',
    todo: 'Set http.host to an address of this machine, or to 0.0.0.0 for all.',
  },
  EACCES: {
    why: 'The user that the node runs as may not do that.',
    todo:
      'Give the file or folder to that user; ports below 1024 need a right of their own, so use a ' +
      'higher one.',
  },
  EROFS: {
    why: 'The file system is read-only, as that of a container may be.',
    todo:
      'Point the folders of the configuration (database, archive, audit, spool) to a volume that ' +
      'can be written to.',
  },
  ENOSPC: {
    why: 'The disk is full.',
    todo: 'Make space; nothing that was queued is lost.',
  },
  MODEL_MISSING: {
    why: 'Without its model, a series cannot be segmented.',
    todo: 'See `models list`; check models.folder and the names, or import the model.',
  },
  MODEL_CHANGED: {
    why: 'A damaged or exchanged network would give wrong volumes.',
    todo: 'Import the model again.',
  },
  MODEL_INVALID: {
    why: 'A model that cannot be read segments nothing.',
    todo: 'Run `models verify NAME`; import the model again.',
  },
  DICOM_UNREADABLE: {
    why: 'A series with an image that cannot be read may lack a part of the organ.',
    todo:
      'Look at the image in the archive; have it sent again from the scanner, then process the study ' +
      'again.',
  },
  DICOM_ATTRIBUTE: {
    why: 'Without it, it is not known where the images lie, what they show or whose they are.',
    todo:
      'Have the series sent again as the scanner made it; what comes from a converter may lack it for ' +
      'good.',
  },
  DICOM_TRANSFER_SYNTAX: {
    why: 'What cannot be decoded cannot be segmented.',
    todo: 'Let the archive keep or send the series in another transfer syntax, then process the study again.',
  },
  DICOM_GEOMETRY: {
    why: 'Where slices are missing or unevenly spaced, a volume would be wrong.',
    todo:
      'See whether the archive has all slices; have missing ones sent again, then process the ' +
      'study again. A ' +
      'scout or a curved reconstruction is not for segmentation.',
  },
  DICOM_WEB_STATUS: {
    why: 'Studies are fetched from the archive, and results are stored there.',
    todo:
      'Look into the log of the archive; 401 and 403 are credentials (archive). doctor asks it step ' +
      'by step.',
  },
  DICOM_WEB_ANSWER: {
    why: 'What the archive says does not go together: nothing is guessed from it.',
    todo:
      'See whether the study is still in the archive and whole; a proxy in between may show a ' +
      'page of its own. ' +
      'doctor asks the archive step by step.',
  },
  DICOM_STORE_INCOMPLETE: {
    why: 'Results count only when the archive has all of them.',
    todo: 'Look into the log of the archive: its disk, its rules for what it takes, its rights.',
  },
  VOLUME_UNUSABLE: {
    why: 'An image of one value, or of a few voxels, shows no organ.',
    todo: 'Look at the series; if it is not the one that is meant, process another by `process --series`.',
  },
  INFERENCE_FAILED: {
    why: 'The network needs memory of several GB while it runs.',
    todo:
      'Free memory on the machine, or set inference.threads and queue.concurrency lower; doctor tells ' +
      'what there is.',
  },
  STUDY_CRASHES: {
    why: 'A study that ends the process would keep all others waiting.',
    todo: 'Look into the log from before the ends, and at the memory of the machine; then process it again.',
  },
  STUDY_TIMEOUT: {
    why: 'Work without an end would keep all others waiting.',
    todo:
      'See what held the machine up (other work, a slow archive); a larger study may need a longer ' +
      'queue limit.',
  },
  STAGE_TIMEOUT: {
    why: 'Work without an end would keep all others waiting.',
    todo: 'See what held the machine up (other work, a slow archive), then process the study again.',
  },
  STAGE_TOO_SLOW: {
    why: 'The machine would take longer for this study than a stage may.',
    todo: 'Give it more cores or a GPU, use the mode fast, or raise the limits of the stages.',
  },
  PATIENTS_MIXED: {
    why: 'A result would go to the wrong patient.',
    todo:
      'Correct the study in the archive: one of its series is of somebody else. It is then processed ' +
      'by itself.',
  },
  UNEXPECTED: {
    why: 'It was not foreseen.',
    todo: 'The log tells more; process the study again, and report it if it fails the same way.',
  },
  DICOM_WEB_UNREACHABLE: {
    why: 'Studies are fetched from the archive, and results are stored there.',
    todo: 'Check that the archive runs, and its address (archive); doctor asks it step by step.',
  },
};

export const adviceFor = (code: string): Advice | undefined => ADVICE[code];
