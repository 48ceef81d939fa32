"""What looks at pixels. A detector object belongs to the one thread that made it: OpenCV's are not thread-safe."""

import cv2

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
# Worker threads are the parallelism; OpenCV's own pool on top of them only makes every frame wait.
cv2.setNumThreads(1)
