"""Distributions of injected errors: the Gaussian, right-censored noise, and what takes it apart.

z is standard normal, C is ``censor`` in standard deviations (``truncate`` for TG), and ``m_C`` the mean of
``min(z, C)``. The abbreviations are those of the published code of [yan2023trice].

========================  ===========  ===================================================  ========================
noise                     in the code  error ``u``, in units of ``sigma * max|W|``          asks
========================  ===========  ===================================================  ========================
GaussianNoise             -            ``z``                                                the usual noise
RightCensoredNoise        SG           ``min(z, C)``                                        the paper's noise
LeftCensoredNoise         LSG          ``max(z, -C)``                                       does the side matter?
DoublyCensoredNoise       CSG          ``max(min(z, C), -C)``                               are light tails enough?
CentredCensoredNoise      BSG          ``min(z, C) - m_C``                                  shape without the shift
ShiftedGaussianNoise      BG           ``z + m_C``                                          shift without the shape
ShiftNoise                BLG          ``m_C``                                              the shift alone, no noise
RightTruncatedNoise       TG           z, drawn again while above C                         moved to C, or avoided?
UniformNoise              uniform      uniform, of standard deviation 1                     does the shape matter?
SaltAndPepperNoise        pepper       -1 or +1, each with probability ``rate / 2``, or 0   few, large errors
========================  ===========  ===================================================  ========================

Every one is a function of the same z that does not fall: the same weights are pushed up, and the same ones down.
Neither standard deviations nor means are equal, so equal ``sigma`` is no fair comparison: give each its own best.
"""
