"""What each operation does to second derivatives; importing this package registers every rule."""

import mho.evaluation.sensitivity.rules.activations
import mho.evaluation.sensitivity.rules.arithmetic
import mho.evaluation.sensitivity.rules.convolution
import mho.evaluation.sensitivity.rules.normalisation
import mho.evaluation.sensitivity.rules.pooling
import mho.evaluation.sensitivity.rules.products
import mho.evaluation.sensitivity.rules.reductions
import mho.evaluation.sensitivity.rules.routing
import mho.evaluation.sensitivity.rules.softmax  # noqa: F401
