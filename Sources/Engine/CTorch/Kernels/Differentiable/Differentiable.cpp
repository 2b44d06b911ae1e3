// The kernels with a backward, in one unit: PyTorch's header for those takes as long to compile as all of them.
#include "Dropout.h"
#include "ResidualNorm.h"
#include "SegmentAttention.h"
#include "TrainedLinear.h"
