/** The kiosk's eyes as the configuration wants them: camera, model and policy, the same for the daemon and the installer's view. */
import type { Config } from "./config-schema.ts";
import type { Policy } from "./core/policy.ts";
import type { SightPolicy } from "./core/sight.ts";
import type { Camera, Clock, RunningModel, Vision } from "./core/ports.ts";
import type { ModelStatus } from "./core/status.ts";
import { openGstreamerCamera } from "./io/camera-gstreamer.ts";
import { openLibcameraCamera } from "./io/camera-libcamera.ts";
import { openReplayCamera } from "./io/camera-replay.ts";
import type { Log } from "./io/log.ts";

/** @throws KioskError camera-missing, bad-config */
export function openCamera({ camera }: Config, clock: Clock): Promise<Camera> {
  const { source, replay, gstreamer, libcamera, ...common } = camera;
  switch (source) {
    case "replay":
      return openReplayCamera({ ...common, ...replay, program: gstreamer.program }, clock);
    case "gstreamer":
      return openGstreamerCamera({ ...common, ...gstreamer }, clock);
    case "libcamera":
      return openLibcameraCamera({ ...common, ...libcamera }, clock);
  }
}

/** The policy; its threshold is the model's where the configuration has none. */
export function policyOf({ access }: Config, model: RunningModel): Policy {
  return { ...access, threshold: access.threshold ?? model.threshold };
}

/** When a picture is a fault. A replay of one picture stands still by design. */
export function sightPolicyOf({ camera }: Config): SightPolicy {
  return { leastDetail: camera.leastDetail, frozenMs: camera.source === "replay" ? 0 : camera.frozenMs };
}

/** What the status says of the model; the log says why one that was asked for earlier does not run. */
export function reportModel({ model }: Vision, config: Config, log: Log): ModelStatus {
  const askedProvider = config.model.providers[0] ?? model.provider;
  for (const { provider, reason } of model.passedOver) {
    log.warn(
      { provider, reason, runs: model.provider },
      `provider ${provider} was asked for and does not run`,
    );
  }
  const { name, version: modelVersion, provider, precision } = model;
  log.info({ name, version: modelVersion, provider, precision }, "model loaded");
  const isFirstChoice = provider === askedProvider;
  return { name, version: modelVersion, provider, precision, askedProvider, isFirstChoice };
}
